import { describe, expect, it } from 'vitest';
import { GuestSet } from '../../src/suppression/guest-set.js';
import { setOf } from './sets.js';

const many = Array.from({ length: 100_000 }, (_, n) => `guest-${n}`);

describe('a set of guests', () => {
  it('has whoever was added, in whatever order and however often, and nobody else', () => {
    const set = setOf(...many.toReversed(), ...many.slice(0, 500));
    expect(set.size).toBe(many.length);
    expect(many.filter((guestId) => !set.has(guestId))).toEqual([]);
    expect(many.filter((guestId) => set.has(`${guestId}x`))).toEqual([]);
    expect(set.has('')).toBe(false);
  });

  it('has a version that says who is in it: the same for the same guests, another for any other', () => {
    expect(setOf('1', '2', '2', '3').version).toBe(setOf('3', '2', '1').version);
    expect(setOf('1', '2', '3').version).not.toBe(setOf('1', '2', '4').version);
    expect(setOf('1', '2').version).toMatch(/^2-[\w-]{22}$/);
    expect(setOf().version).toBe(GuestSet.NONE.version);
  });

  it('is the same set after it travelled in pages', () => {
    const set = setOf(...many);
    const pages = [...set.pages()];
    expect(pages.length).toBe(2);
    // As a client hands them over: anywhere in a larger piece of memory.
    const shifted = pages.map((page) => Buffer.concat([Buffer.from('x'), page]).subarray(1));
    expect(GuestSet.fromPages(shifted).version).toBe(set.version);
    expect(GuestSet.fromPages([]).size).toBe(0);
    expect([...GuestSet.NONE.pages()]).toEqual([]);
  });

  it('of several lists has whoever is on any of them', () => {
    const union = GuestSet.union([setOf('1', '2'), GuestSet.NONE, setOf('2', '3')]);
    expect(['1', '2', '3', '4'].map((guestId) => union.has(guestId))).toEqual([true, true, true, false]);
    expect(union.version).toBe(setOf('1', '2', '3').version);
    expect(GuestSet.union([]).size).toBe(0);
  });

  it('holds nothing that names a guest', () => {
    const [page = Buffer.alloc(0)] = setOf('carla@example.com').pages();
    expect(page.length).toBe(8);
    expect(page.toString('latin1')).not.toContain('carla');
  });
});
