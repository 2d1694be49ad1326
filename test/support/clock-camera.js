/* global window, document, navigator, performance, setTimeout, MediaStream */
/**
 * Runs in the page before its own scripts: the camera becomes a canvas on which the true time stands in black and white
 * blocks (`clock-picture.ts` reads them). True time is `Date.now()` less what the browser's clock is known to be wrong by,
 * read once on the turn of a millisecond; from there the monotonic clock counts, so that a later step of the wall clock
 * does not reach the picture. The microphone stays Chromium's fake device.
 */
(() => {
  const { wrongByMs, fps, width, height, kinds, specks } = window.fieldhubClock;
  const COLUMNS = 8;
  const ROWS = 6;
  const EPOCH_MS = 1.7e12;
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d', { alpha: false });
  const tracks = new Set();
  let timer;

  const begin = Date.now();
  let wallMs = begin;
  while (wallMs === begin) wallMs = Date.now();
  const anchorMs = wallMs - wrongByMs - performance.now();

  /** 40 bits of milliseconds since the epoch above, Gray-coded (neighbouring times differ in one block), the most significant first, and 8 bits that check them. */
  function bitsOf(ms) {
    const value = BigInt(ms - EPOCH_MS);
    const gray = value ^ (value >> 1n);
    let check = 0n;
    for (let shift = 0n; shift < 40n; shift += 8n) check = (check * 31n + ((gray >> shift) & 255n) + 7n) & 255n;
    return ((gray << 8n) | check).toString(2).padStart(COLUMNS * ROWS, '0');
  }

  function draw() {
    const w = canvas.width / COLUMNS;
    const h = canvas.height / ROWS;
    const bits = bitsOf(Math.round(anchorMs + performance.now()));
    context.fillStyle = '#000';
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.fillStyle = '#fff';
    for (let i = 0; i < bits.length; i += 1) {
      if (bits[i] === '1') context.fillRect((i % COLUMNS) * w, Math.floor(i / COLUMNS) * h, w, h);
    }
    scatter(w / 8, h / 8);
    for (const track of tracks) track.requestFrame();
  }

  /** What makes a picture hard to encode, and so many packets: the blocks can then no longer be read. */
  function scatter(w, h) {
    for (let i = 0; i < specks; i += 1) {
      context.fillStyle = `hsl(${Math.random() * 360} 80% ${Math.random() * 100}%)`;
      context.fillRect(Math.random() * canvas.width, Math.random() * canvas.height, w, h);
    }
  }

  /** Steady by count: each picture is due a whole number of steps after the first. */
  function run() {
    const firstMs = performance.now();
    let count = 0;
    const next = () => {
      draw();
      count = Math.max(count + 1, Math.ceil(((performance.now() - firstMs) * fps) / 1000));
      timer = setTimeout(next, firstMs + (count * 1000) / fps - performance.now());
    };
    next();
  }

  window.fieldhubClock.resize = (w, h) => {
    canvas.width = w;
    canvas.height = h;
  };
  window.fieldhubClock.resize(width, height);
  /** Another app has the camera now: no more pictures, and no flag that says so, until it is opened anew. */
  window.fieldhubClock.lose = () => tracks.clear();

  const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async ({ audio, video }) => {
    const made = [];
    if (audio && kinds.includes('audio')) made.push(...(await real({ audio })).getAudioTracks());
    if (video && kinds.includes('video')) {
      const [track] = canvas.captureStream(0).getVideoTracks();
      tracks.add(track);
      if (timer === undefined) run();
      made.push(track);
    }
    return new MediaStream(made);
  };
})();
