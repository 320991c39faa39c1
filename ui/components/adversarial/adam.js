// Adam (Kingma and Ba 2015) on one array of weights. Knows no screen.

const TINY = 1e-8;

export class Adam {
  // network: an Mlp. betas: of the means of the gradient and of its square.
  constructor(network, betas) {
    this.network = network;
    this.betas = betas;
    this.first = new Float64Array(network.parameters.length);
    this.second = new Float64Array(network.parameters.length);
    this.steps = 0;
  }

  // Goes one step against the gradient, and clears it.
  step(rate) {
    const { first, second, betas: [b1, b2], network: { parameters, gradient } } = this;
    this.steps++;
    const [one, two] = [1 - b1 ** this.steps, 1 - b2 ** this.steps];
    for (let i = 0; i < parameters.length; i++) {
      const slope = gradient[i];
      first[i] = b1 * first[i] + (1 - b1) * slope;
      second[i] = b2 * second[i] + (1 - b2) * slope * slope;
      parameters[i] -= (rate / one) * first[i] / (Math.sqrt(second[i] / two) + TINY);
    }
    gradient.fill(0);
  }
}
