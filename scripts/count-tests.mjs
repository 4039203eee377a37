/** Adds up vitest's JSON reports, given as arguments, into one line. Fails when a test failed or none was run. */
import { readFileSync } from 'node:fs';

const total = { passed: 0, failed: 0, skipped: 0 };
let sound = process.argv.length > 2;
for (const file of process.argv.slice(2)) {
  const report = JSON.parse(readFileSync(file, 'utf8'));
  total.passed += report.numPassedTests;
  total.failed += report.numFailedTests;
  total.skipped += report.numPendingTests + report.numTodoTests;
  // A file that cannot be loaded fails its suite without counting a test.
  sound &&= report.success;
}
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
process.stdout.write(`tests: ${total.passed} passed, ${total.failed} failed${skipped}\n`);
process.exitCode = sound && total.failed === 0 && total.passed > 0 ? 0 : 1;
