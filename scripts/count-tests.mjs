/**
 * Adds up vitest's JSON reports, given as arguments, into one line, below what failed: the end of a long log is all that is
 * sometimes kept. Fails when a test failed or none was run.
 */
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
  for (const { name, message, status, assertionResults } of report.testResults ?? []) {
    if (status === 'failed' && message) process.stdout.write(`failed: ${name}\n${firstLines(message)}\n`);
    for (const test of assertionResults.filter((each) => each.status === 'failed')) {
      process.stdout.write(
        `failed: ${name} > ${test.fullName}\n${firstLines(test.failureMessages.join('\n'))}\n`,
      );
    }
  }
}

function firstLines(text) {
  return text.split('\n').slice(0, 12).join('\n').slice(0, 2_000);
}

const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
process.stdout.write(`tests: ${total.passed} passed, ${total.failed} failed${skipped}\n`);
process.exitCode = sound && total.failed === 0 && total.passed > 0 ? 0 : 1;
