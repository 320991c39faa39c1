// Trains the toy's models without a browser: reads {rules, steps, cases} from standard input and writes what each seed of each
// case has found. Called by tools/measure_toy.py.

import { readFileSync } from "node:fs";

import { Data } from "../../ui/components/adversarial/data.js";
import { Training } from "../../ui/components/adversarial/training.js";

const { rules, steps, cases } = JSON.parse(readFileSync(0, "utf8"));

for (const { name, model, shape, settings, seed } of cases) {
  const training = new Training(rules, new Data(shape.strokes, shape.spread), { latent: settings.latent, seed });
  const step = () => (model === "gan" ? training.stepGan(settings) : training.stepVae(settings));
  let finite = true;
  for (let k = 0; k < steps && finite; k++) finite = Object.values(step()).every(Number.isFinite);
  const found = (average, noisy) => {
    const { modes, imbalance, stray } = training.measure(training.drawn(model, { ...settings, average, noisy }, rules.samples));
    return { modes, imbalance, stray };
  };
  const measured = model === "gan" ? { now: found(false, true), averaged: found(true, true) } : { noisy: found(false, true), means: found(false, false) };
  process.stdout.write(`${JSON.stringify({ name, seed, finite, ...measured })}\n`);
}
