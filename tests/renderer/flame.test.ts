import { describe, expect, test } from 'vitest';
import type { FlameTree } from '../../emulator/profile/flame';
import FlameGraph from '../../renderer/parts/flame/FlameGraph.vue';
import {
  foundShare,
  layoutFlames,
  neighbour,
  sameFrame,
  visibleFlames,
} from '../../renderer/parts/flame/flame-layout';
import { fakeWindow, show } from './support';

/** all(100) → main(70) → [dot(40) → fma(30), print(20)], work(30). */
const TREE: FlameTree = {
  names: ['all', 'main', 'dot', 'fma', 'print', 'work'],
  name: Uint32Array.of(0, 1, 2, 3, 4, 5),
  depth: Uint32Array.of(0, 1, 2, 3, 2, 1),
  self: Float64Array.of(0, 10, 10, 30, 20, 30),
  total: Float64Array.of(100, 70, 40, 30, 20, 30),
  calls: Float64Array.of(0, 1, 5, 50, 1, 1),
  entry: Float64Array.of(0, 0x1000, 0x2000, 0x3000, 0x4000, 0x5000),
};

describe('a flame graph', () => {
  const layout = layoutFlames(TREE);
  const places = (zoom: number, width = 100, last = 9): unknown[] =>
    visibleFlames(layout, zoom, width, 0, last).map((box) => [
      TREE.names[box.node],
      box.row,
      Math.round(box.left),
      Math.round(box.width),
    ]);

  test('has callees below their callers, side by side', () => {
    expect(layout.rows).toBe(4);
    expect(places(0)).toEqual([
      ['all', 0, 0, 100],
      ['main', 1, 0, 70],
      ['dot', 2, 0, 40],
      ['fma', 3, 0, 30],
      ['print', 2, 40, 20],
      ['work', 1, 70, 30],
    ]);
  });

  test('shows the callers of a frame that is zoomed to across the whole width', () => {
    expect(places(2)).toEqual([
      ['main', 1, 0, 100],
      ['all', 0, 0, 100],
      ['dot', 2, 0, 100],
      ['fma', 3, 0, 75],
    ]);
  });

  test('finds a frame again in counts that have grown, by its callers', () => {
    const grown: FlameTree = {
      ...TREE,
      name: Uint32Array.of(0, 5, 3, 1, 2, 3),
      depth: Uint32Array.of(0, 1, 2, 1, 2, 3),
    };
    const again = [0, 1, 2, 3, 4, 5].map((node) => sameFrame(TREE, grown, node));
    // `print` under main is gone.
    expect(again).toEqual([0, 3, 4, 5, 0, 1]);
  });

  test('leaves out what is too narrow, and rows that are not in sight', () => {
    expect(places(0, 2)).toEqual([
      ['all', 0, 0, 2],
      ['main', 1, 0, 1],
      ['dot', 2, 0, 1],
      ['fma', 3, 0, 1],
      ['work', 1, 1, 1],
    ]);
    expect(places(0, 100, 1)).toHaveLength(3);
  });

  test('counts what is found once, however it is nested', () => {
    const named = (text: string) => (node: number) =>
      (TREE.names[TREE.name[node] ?? 0] ?? '').includes(text);
    expect(foundShare(layout, named('dot'))).toBe(0.4);
    expect(foundShare(layout, (node) => node === 1 || node === 2)).toBe(0.7);
    expect(foundShare(layout, named('nothing'))).toBe(0);
  });

  test('is walked through with the arrow keys', () => {
    const walk = (...keys: string[]): string | undefined => {
      let at: number | undefined = 0;
      for (const key of keys) at = at === undefined ? undefined : neighbour(layout, at, key);
      return at === undefined ? undefined : TREE.names[TREE.name[at] ?? 0];
    };
    expect(walk('ArrowDown', 'ArrowDown', 'ArrowRight')).toBe('print');
    expect(walk('ArrowDown', 'ArrowDown', 'ArrowRight', 'ArrowLeft', 'ArrowUp')).toBe('main');
    expect(walk('ArrowDown', 'ArrowRight')).toBe('work');
    expect(walk('ArrowDown', 'ArrowRight', 'ArrowRight')).toBeUndefined();
    expect(walk('ArrowUp')).toBeUndefined();
  });

  test('says what is selected, what was found, and opens code', async () => {
    fakeWindow();
    const graph = show(FlameGraph, {
      tree: TREE,
      unit: 'instructions',
      text: (cost: number) => `${cost} instructions`,
      search: 'fma',
      before: undefined,
    });
    expect(graph.get('[data-testid=flame-about]').text()).toContain('30.0 % found');
    const box = graph.get('[data-testid=flame-graph]');
    await box.trigger('keydown', { key: 'ArrowDown' });
    await box.trigger('keydown', { key: 'ArrowDown' });
    expect(graph.get('[data-testid=flame-about]').text()).toContain(
      'dot: 40 instructions (40.0 %), 10 instructions of its own, 5 calls',
    );
    await box.trigger('keydown', { key: 'o' });
    expect(graph.emitted('open')).toEqual([[0x2000]]);
  });
});
