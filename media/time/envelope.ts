const BUCKET_MS = 250;
const WINDOW_MS = 90_000;
/** Under this span a slope drawn through least delays is noise: a level line is better. */
const SLOPE_SPAN_MS = 20_000;
const MAX_SLOPE = 1e-3;
const REFIT_MS = 1000;

/** The first frames of a source may all be late (a camera that starts, a busy machine: 125 ms were seen): only time tells. */
const YOUNG_ERROR_MS = 125;
const YOUNG_SPAN_MS = 5000;

/** `x`: remote time. `y`: arrival in hub time less remote time. Milliseconds. */
type Point = { x: number; y: number };

/**
 * Fit (b): a remote clock → hub time, by the lower envelope of (arrival − remote time) over the last 90 s. Delay is
 * only ever added to a packet, so the true offset (plus the least transit) is a line under all points; of the lines
 * that touch the convex hull from below, the one under the points' middle leaves the least area (the linear program of
 * Moon, Skelly and Towsley, "Estimation and Removal of Clock Skew from Network Delay Measurements", INFOCOM 1999).
 */
export class DelayEnvelope {
  /** Least delay of each 250 ms, oldest first; `x` is remote time. */
  #buckets: Point[] = [];
  #line: { x: number; y: number; slope: number } | null = null;
  #spreadMs = 0;
  #dirty = false;
  /** Newest remote time when the line was last fitted. */
  #fittedMs = 0;

  get ready(): boolean {
    return this.#buckets.length > 0;
  }
  /** Rate of hub time against the remote clock, parts per million. */
  get driftPpm(): number {
    return this.#fitted().slope * 1e6;
  }
  /** Below this distance from the envelope lies a quarter of the least delays: how well the line is supported, milliseconds. */
  get spreadMs(): number {
    this.#fitted();
    return this.#spreadMs;
  }

  /** How late all frames so far may have been without anybody knowing, milliseconds: 0 once the envelope spans five seconds. */
  get youngErrorMs(): number {
    const spanMs = (this.#buckets.at(-1)?.x ?? 0) - (this.#buckets[0]?.x ?? 0);
    return YOUNG_ERROR_MS * Math.max(0, 1 - spanMs / YOUNG_SPAN_MS);
  }
  /** A point that lies above the line moves it little: while it is young at each, then once a second is enough. */
  get #refitMs(): number {
    return this.youngErrorMs > 0 ? 0 : REFIT_MS;
  }

  /** Least delays, oldest first. */
  get points(): readonly Point[] {
    return this.#buckets;
  }

  /** One frame: its capture by the remote clock, and its arrival in hub time. */
  add(remoteMs: number, arrivalMs: number): void {
    const y = arrivalMs - remoteMs;
    const last = this.#buckets.at(-1);
    if (last && Math.floor(remoteMs / BUCKET_MS) <= Math.floor(last.x / BUCKET_MS)) {
      if (y >= last.y) return;
      last.x = Math.max(last.x, remoteMs);
      last.y = y;
      // a point above the line may support it a little better; only one below it must move it now
      if (!this.#line || y < this.#line.y + (last.x - this.#line.x) * this.#line.slope) this.#dirty = true;
      return;
    }
    this.#buckets.push({ x: remoteMs, y });
    while (this.#buckets.length > 1 && remoteMs - (this.#buckets[0] as Point).x > WINDOW_MS) this.#buckets.shift();
    const line = this.#line;
    if (!line || y < line.y + (remoteMs - line.x) * line.slope || remoteMs - this.#fittedMs >= this.#refitMs) this.#dirty = true;
  }

  /** Hub time of a remote time, least transit still included. Throws before the first point. */
  toHubMs(remoteMs: number): number {
    const line = this.#fitted();
    return remoteMs + line.y + (remoteMs - line.x) * line.slope;
  }

  #fitted(): { x: number; y: number; slope: number } {
    if (this.#line && !this.#dirty) return this.#line;
    this.#dirty = false;
    const points = this.#buckets;
    const first = points[0];
    const last = points.at(-1);
    if (!first || !last) throw new RangeError('no delay has been measured yet');
    this.#fittedMs = last.x;
    this.#line = last.x - first.x < SLOPE_SPAN_MS ? level(points) : underMiddle(points);
    const { x, y, slope } = this.#line;
    const above = scratch(points.length);
    for (let i = 0; i < points.length; i += 1) {
      const point = points[i] as Point;
      above[i] = point.y - (y + (point.x - x) * slope);
    }
    this.#spreadMs = above.sort()[Math.floor(above.length / 4)] as number;
    return this.#line;
  }
}

let room = new Float64Array(512);
/** Memory for so many numbers, until it is asked for again. */
function scratch(count: number): Float64Array {
  if (count > room.length) room = new Float64Array(2 * count);
  return room.subarray(0, count);
}

function level(points: Point[]): { x: number; y: number; slope: number } {
  let least = points[0] as Point;
  for (const point of points) if (point.y < least.y) least = point;
  return { x: least.x, y: least.y, slope: 0 };
}

/** The edge of the lower convex hull (Andrew's monotone chain) that lies under the mean of x. */
function underMiddle(points: Point[]): { x: number; y: number; slope: number } {
  const hull: Point[] = [];
  let mean = 0;
  for (const p of points) {
    mean += p.x / points.length;
    while (hull.length >= 2) {
      const b = hull[hull.length - 1] as Point;
      const a = hull[hull.length - 2] as Point;
      if ((b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x) > 0) break;
      hull.pop();
    }
    hull.push(p);
  }
  for (let i = 1; i < hull.length; i += 1) {
    const a = hull[i - 1] as Point;
    const b = hull[i] as Point;
    if (b.x < mean) continue;
    const slope = (b.y - a.y) / (b.x - a.x);
    if (Math.abs(slope) > MAX_SLOPE) break;
    return { x: a.x, y: a.y, slope };
  }
  return level(points);
}
