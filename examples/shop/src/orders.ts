import { writeFileSync } from 'node:fs';
import { inFolder } from './shop.ts';

export const products = ['anvil', 'bellows', 'chisel', 'forge', 'hammer', 'nails', 'tongs', 'vice'];

/** Writes a day's orders as the cash register exports them. @returns the path of the file */
export function exportOrders(rows: number): string {
  const path = inFolder('orders.csv');
  const lines = Array.from({ length: rows }, (_, row) => {
    const product = products[(row * 7 + (row >> 3)) % products.length];
    return `${row + 1},${product},${1 + (row % 5)},${(((row * 37) % 9_000) / 100 + 5).toFixed(2)}`;
  });
  writeFileSync(path, `order,product,quantity,price\n${lines.join('\n')}\n`);
  return path;
}
