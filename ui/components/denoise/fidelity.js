// How near a restored image is to the undamaged one, as scikit-image measures it. Knows no screen.

const WINDOW = 7; // pixels
const [C1, C2] = [0.01 ** 2, 0.03 ** 2]; // of pixels in [0, 1]

// Peak signal-to-noise ratio, dB; Infinity where nothing differs.
export function psnr(image, restored) {
  let total = 0;
  for (let i = 0; i < image.length; i++) total += (image[i] - restored[i]) ** 2;
  return total === 0 ? Infinity : -10 * Math.log10(total / image.length);
}

// Mean structural similarity (Wang et al. 2004): uniform windows that lie inside the image, sample covariances.
export function ssim(image, restored, { height, width }) {
  const count = WINDOW * WINDOW;
  let total = 0;
  for (let top = 0; top + WINDOW <= height; top++) {
    for (let left = 0; left + WINDOW <= width; left++) {
      let [a, b, aa, bb, ab] = [0, 0, 0, 0, 0];
      for (let row = top; row < top + WINDOW; row++) {
        for (let i = row * width + left; i < row * width + left + WINDOW; i++) {
          const [x, y] = [image[i], restored[i]];
          a += x;
          b += y;
          aa += x * x;
          bb += y * y;
          ab += x * y;
        }
      }
      const [ma, mb] = [a / count, b / count];
      const unbiased = 1 / (count - 1);
      const [va, vb, vab] = [(aa - a * ma) * unbiased, (bb - b * mb) * unbiased, (ab - a * mb) * unbiased];
      total += ((2 * ma * mb + C1) * (2 * vab + C2)) / ((ma * ma + mb * mb + C1) * (va + vb + C2));
    }
  }
  return total / ((height - WINDOW + 1) * (width - WINDOW + 1));
}
