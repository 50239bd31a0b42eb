/** A point, or a gap. */
export type Point = readonly [x: number, y: number] | undefined;

const short = (value: number) => value.toFixed(1);

/** An SVG path through the points. A gap interrupts it. */
export function linePath(points: readonly Point[]): string {
  let path = '';
  let isOpen = false;
  for (const point of points) {
    if (point !== undefined) path += `${isOpen ? 'L' : 'M'}${short(point[0])} ${short(point[1])}`;
    isOpen = point !== undefined;
  }
  return path;
}

/** The area between the points and a base line, one for each run without gaps. */
export function areaPath(points: readonly Point[], base: number): string {
  let path = '';
  let run: (readonly [number, number])[] = [];
  const close = () => {
    const [first] = run;
    const last = run.at(-1);
    if (first !== undefined && last !== undefined && run.length > 1) {
      path += `${linePath(run)}L${short(last[0])} ${short(base)}L${short(first[0])} ${short(base)}Z`;
    }
    run = [];
  };
  for (const point of points) {
    if (point === undefined) close();
    else run.push(point);
  }
  close();
  return path;
}
