// Draws the heads of vae_core/datasets/heads.py from their six factors, as tools/heads does: orthographic, with a
// z-buffer, in whole numbers from the corners' places in 256ths of a pixel on. Knows no screen.

const STEPS = 256;
const MOST = 65535;
const RADIANS = Math.PI / 180;

// payload: of vae_core/payloads/head.py, {header, tensor}. Gives draw(values, size): the greys of one picture, size x
// size, the first row uppermost; values: those of header.factors, in their order.
export function headArtist({ header, tensor }) {
  const { scene, factors, moves: names } = header;
  const triangles = tensor("triangles");
  const plain = Float64Array.from(tensor("plain"), (grey) => grey / scene.greys);
  const hair = Float64Array.from(tensor("hair"), (share) => share / scene.greys);
  const all = tensor("moves");
  const extent = all.length / names.length;
  const moves = new Map(names.map((name, k) => [
    name, Float64Array.from(all.subarray(k * extent, (k + 1) * extent), (steps) => steps / scene.perDecimetre),
  ]));
  const age = factors.findIndex((factor) => factor.name === "age");
  const places = new Float64Array(extent);
  const normals = new Float64Array(extent);
  const shades = new Float64Array(extent / 3);
  const points = new Int32Array(extent);
  let greys = new Int32Array(0), nearest = new Float64Array(0); // kept from one picture to the next of its size

  function shape([smile, open, width, years]) {
    places.set(moves.get("base"));
    const { low, high } = factors[age];
    const amounts = {
      age: (years - low) / (high - low), smile: Math.max(smile, 0), frown: Math.max(-smile, 0), open,
      wide: Math.max(width, 0), narrow: Math.max(-width, 0),
    };
    for (const [name, amount] of Object.entries(amounts)) {
      if (amount === 0) continue;
      const move = moves.get(name);
      for (let i = 0; i < extent; i++) places[i] += amount * move[i];
    }
  }

  function turn(degrees) {
    const [cos, sin] = [Math.cos(degrees * RADIANS), Math.sin(degrees * RADIANS)];
    for (let i = 0; i < extent; i += 3) {
      const [x, z] = [places[i], places[i + 2]];
      places[i] = cos * x + sin * z;
      places[i + 2] = cos * z - sin * x;
    }
  }

  function shade(degrees) {
    normals.fill(0);
    for (let t = 0; t < triangles.length; t += 3) {
      const [a, b, c] = [3 * triangles[t], 3 * triangles[t + 1], 3 * triangles[t + 2]];
      const px = places[b] - places[a], py = places[b + 1] - places[a + 1], pz = places[b + 2] - places[a + 2];
      const qx = places[c] - places[a], qy = places[c + 1] - places[a + 1], qz = places[c + 2] - places[a + 2];
      const nx = py * qz - pz * qy, ny = pz * qx - px * qz, nz = px * qy - py * qx;
      for (const corner of [a, b, c]) {
        normals[corner] += nx;
        normals[corner + 1] += ny;
        normals[corner + 2] += nz;
      }
    }
    const [up, level] = [Math.sin(scene.elevation * RADIANS), Math.cos(scene.elevation * RADIANS)];
    const [x, z] = [level * Math.sin(degrees * RADIANS), level * Math.cos(degrees * RADIANS)];
    for (let v = 0; v < shades.length; v++) {
      const nx = normals[3 * v], ny = normals[3 * v + 1], nz = normals[3 * v + 2];
      const length = Math.max(Math.sqrt(nx * nx + ny * ny + nz * nz), 1e-12);
      shades[v] = scene.ambient + (1 - scene.ambient) * Math.max((nx * x + ny * up + nz * z) / length, 0);
    }
  }

  function place(side) {
    const scale = side / scene.side * STEPS;
    for (let i = 0; i < extent; i += 3) {
      points[i] = Math.round((places[i] - scene.left) * scale);
      points[i + 1] = Math.round((places[i + 1] - scene.bottom) * scale);
      points[i + 2] = Math.round(places[i + 2] * scale);
    }
  }

  function rasterise(side, years) {
    if (greys.length !== side * side) [greys, nearest] = [new Int32Array(side * side), new Float64Array(side * side)];
    greys.fill(Math.round(scene.empty * MOST));
    nearest.fill(-Infinity);
    const { low, high } = factors[age];
    const ofHair = scene.hair[0] + (scene.hair[1] - scene.hair[0]) * (years - low) / (high - low);
    const grey = (corner, vertex) => Math.round(
      Math.min(shades[vertex] * (plain[corner] + (ofHair - plain[corner]) * hair[corner]), 1) * MOST);
    for (let t = 0; t < triangles.length; t += 3) {
      const [a, b, c] = [triangles[t], triangles[t + 1], triangles[t + 2]];
      const ax = points[3 * a], ay = points[3 * a + 1], bx = points[3 * b], by = points[3 * b + 1];
      const cx = points[3 * c], cy = points[3 * c + 1];
      const area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
      if (area <= 0) continue; // it turns its back
      const left = Math.max(Math.ceil((Math.min(ax, bx, cx) - STEPS / 2) / STEPS), 0);
      const right = Math.min(Math.floor((Math.max(ax, bx, cx) - STEPS / 2) / STEPS), side - 1);
      const bottom = Math.max(Math.ceil((Math.min(ay, by, cy) - STEPS / 2) / STEPS), 0);
      const top = Math.min(Math.floor((Math.max(ay, by, cy) - STEPS / 2) / STEPS), side - 1);
      if (left > right || bottom > top) continue;
      const az = points[3 * a + 2], bz = points[3 * b + 2], cz = points[3 * c + 2];
      const ga = grey(t, a), gb = grey(t + 1, b), gc = grey(t + 2, c);
      for (let row = bottom; row <= top; row++) {
        const y = row * STEPS + STEPS / 2;
        for (let column = left; column <= right; column++) {
          const x = column * STEPS + STEPS / 2;
          const wa = (cx - bx) * (y - by) - (cy - by) * (x - bx);
          const wb = (ax - cx) * (y - cy) - (ay - cy) * (x - cx);
          const wc = (bx - ax) * (y - ay) - (by - ay) * (x - ax);
          if (wa < 0 || wb < 0 || wc < 0) continue;
          const depth = Math.floor((wa * az + wb * bz + wc * cz) / area);
          const pixel = (side - 1 - row) * side + column;
          if (depth <= nearest[pixel]) continue;
          nearest[pixel] = depth;
          greys[pixel] = Math.floor((wa * ga + wb * gb + wc * gc) / area);
        }
      }
    }
  }

  function average(size) {
    const { finer, step } = scene;
    const most = MOST * finer * finer;
    const picture = new Uint8Array(size * size);
    for (let row = 0; row < size; row++) {
      for (let column = 0; column < size; column++) {
        let sum = 0;
        for (let y = row * finer; y < (row + 1) * finer; y++) {
          for (let x = column * finer; x < (column + 1) * finer; x++) sum += greys[y * size * finer + x];
        }
        const level = Math.floor((sum * 255 + Math.floor(most / 2)) / most);
        picture[row * size + column] = Math.floor((level + Math.floor(step / 2)) / step) * step;
      }
    }
    return picture;
  }

  return function draw(values, size) {
    const [years, degrees, light] = values.slice(3);
    shape(values);
    turn(degrees);
    shade(light);
    place(size * scene.finer);
    rasterise(size * scene.finer, years);
    return average(size);
  };
}
