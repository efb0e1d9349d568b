"use strict";
// The mathematics of rings, as in `grok_np.analytic`: each function is tested against Python.
//
// A ring is {phases, weights} of neurons of one frequency. The frequency is 1 here: another one, coprime to p, only
// renames the tokens. A network that is written down is {p, A, B, outputs, weights, activation}: A[i] and B[i] are what
// neuron i reads of each of the p numbers a and b, outputs[i] the phase of the wave that it puts out. All outputs being
// waves of one frequency, so is their sum: for each pair (a, b) the logits of the answers c are the sinusoid
//
//     logit(c) = Re(Z exp(-2 pi i c / p))
//     Z = sum over j of weights[j] activation(A[j][a] + B[j][b]) exp(i outputs[j])
//
// so Z, one complex number for each pair, says all.

const maths = (() => {
  const TAU = 2 * Math.PI;
  const range = n => Array.from({length: n}, (_, i) => i);
  const sum = values => values.reduce((total, x) => total + x, 0);
  const wrapped = angle => angle - TAU * Math.round(angle / TAU); // to +-pi

  const ACTIVATIONS = {relu: x => x > 0 ? x : 0, square: x => x * x, abs: Math.abs};
  const SLOPES = {relu: x => +(x > 0), square: x => 2 * x, abs: Math.sign};
  const REQUIRED = {relu: [1, 2, 3, 4], square: [2, 4], abs: [2, 4]}; // orders of the moments that must vanish
  const COSINE = {constant: 0, second: 0}, LEARNED = {constant: 0.09, second: -0.12};

  // What a neuron reads of a number: constant + cos t + second cos 2t.
  const wave = ({constant, second}, t) => constant + Math.cos(t) + second * Math.cos(2 * t);

  // M_1 .. M_n over the sum of the weights: [real, imaginary].
  function moments({phases, weights}, n) {
    const total = sum(weights);
    return range(n).map(i => [Math.cos, Math.sin].map(part =>
      sum(phases.map((phase, j) => weights[j] * part((i + 1) * phase))) / total));
  }

  // How large an error M_n of 1 is, beside the answer: by n = 1 .. `last`. With activation(f(t + delta) + f(t - delta))
  // = sum of c_m(delta) cos mt a star's logits hold M_(m+2) and M_(m-2) by way of c_m (docs/theory.md, section 1); of
  // each c_m the root mean square over delta counts, over the mean of c_2.
  function strengths(activation, shape, last, steps = 96) {
    const act = ACTIVATIONS[activation], squares = Array(last + 3).fill(0);
    let answer = 0;
    for (let d = 0; d < steps; d++) {
      const delta = Math.PI * (d + 0.5) / steps;
      const folded = range(steps).map(i => act(wave(shape, TAU * i / steps + delta) +
        wave(shape, TAU * i / steps - delta)));
      for (let m = 0; m < last + 3; m++) {
        const c = (m ? 2 : 1) / steps * sum(folded.map((value, i) => value * Math.cos(TAU * m * i / steps)));
        squares[m] += c * c / steps;
        if (m === 2) answer += c / steps;
      }
    }
    const by = squares.map(square => Math.sqrt(square) / answer);
    return range(last).map(i => by[Math.abs(i - 1)] * (i === 1 ? 2 : 1) + by[i + 3]);
  }

  const regularRing = (n, turn = 0) =>
    ({phases: range(n).map(i => TAU * i / n + turn), weights: range(n).map(() => 1)});

  // The ring of N neurons whose moments vanish up to M_(N-2) and whose M_(N-1) is `moment`, real or [real, imaginary],
  // of modulus below 1: `analytic.uneven_ring`. On the circle u = exp(it) the equation of the nodes says that N t + 2
  // arg(1 - moment exp(-i (N-1) t)), which only grows, is a multiple of 2 pi.
  function unevenRing(n, moment, activation = "relu") {
    const [re, im] = [moment].flat().concat(0), turns = activation === "relu" ? 1 : 2, free = 1 - re * re - im * im;
    const turned = t => [Math.cos((n - 1) * t), Math.sin((n - 1) * t)];
    const grows = t => {
      const [c, s] = turned(t);
      return n * t + 2 * Math.atan2(re * s - im * c, 1 - re * c - im * s);
    };
    const nodes = range(n).map(j => {
      let low = -Math.PI, high = 2 * TAU;
      for (let i = 0; i < 64; i++) {
        const middle = (low + high) / 2;
        if (grows(middle) < TAU * j) low = middle; else high = middle;
      }
      return wrapped(high);
    }).sort((x, y) => x - y);
    return {phases: nodes.map(t => t / turns), weights: nodes.map(t => {
      const [c, s] = turned(t);
      return n / (n - 1 + ((c - re) ** 2 + (s - im) ** 2) / free);
    })};
  }

  // Of these angles, activation and slope aside, the tables of a star: output phases are twice the input phases.
  function star(p, {phases, weights}, activation, shape = COSINE) {
    const A = phases.map(phase => Float64Array.from(range(p), x => wave(shape, TAU * x / p - phase)));
    return {p, A, B: A, outputs: phases.map(phase => 2 * phase), weights, activation};
  }

  // The x² star whose rings for a and b wind x and y times (`analytic.untied_star`).
  function untiedStar(p, n, [x, y] = [1, 4], activation = "square") {
    const table = turns => range(n).map(i => Float64Array.from(range(p), c => Math.cos(TAU * (c / p - turns * i / n))));
    return {p, A: table(x), B: table(y), outputs: range(n).map(i => TAU * ((x + y) * i % n) / n),
      weights: range(n).map(() => 1), activation};
  }

  // Z of every pair, {p, re, im, tied} with p a + b as index; where A is B, (b, a) is as (a, b).
  function sinusoids({p, A, B, outputs, weights, activation}) {
    const re = new Float64Array(p * p), im = new Float64Array(p * p), act = ACTIVATIONS[activation], tied = A === B;
    outputs.forEach((phase, i) => {
      const u = A[i], v = B[i], c = weights[i] * Math.cos(phase), s = weights[i] * Math.sin(phase);
      for (let a = 0; a < p; a++) {
        for (let b = tied ? a : 0, pair = p * a + b; b < p; b++, pair++) {
          const post = act(u[a] + v[b]);
          re[pair] += c * post;
          im[pair] += s * post;
        }
      }
    });
    if (tied) for (const part of [re, im]) mirror(part, p);
    return {p, re, im, tied};
  }

  function mirror(table, p) {
    for (let a = 0; a < p; a++) for (let b = 0; b < a; b++) table[p * a + b] = table[p * b + a];
  }

  const logits = ({p, re, im}, a, b) => range(p).map(c =>
    re[a * p + b] * Math.cos(TAU * c / p) + im[a * p + b] * Math.sin(TAU * c / p));

  // How far off the right answer Z points, in radians, +-pi, for each pair; right within +-pi/p. Worked out once.
  function deviations(Z) {
    const {p, re, im} = Z;
    return Z.off ??= Float64Array.from(re, (x, pair) =>
      wrapped(Math.atan2(im[pair], x) - TAU * ((Math.floor(pair / p) + pair % p) % p) / p));
  }

  // The answer d = 1 .. p - 1 beyond the right one that comes nearest to where Z points.
  const rival = (deviation, p) => Math.round(deviation * p / TAU) || (deviation < 0 ? -1 : 1);

  // The right logit minus the largest wrong one, for each pair; 0 for a tie (`analytic.margins`, `layers.TIE`). A
  // difference of two cosines is a product of sines, which loses nothing where the two are close.
  function margins(Z) {
    const {p, re, im} = Z, off = deviations(Z), step = Math.PI / p;
    let most = 0;
    const found = off.map((e, pair) => {
      const size = Math.hypot(re[pair], im[pair]), half = rival(e, p) * step;
      const poles = p % 2 ? step : 2 * step; // +-1 times the p cosines: their poles on the circle are so far apart
      most = Math.max(most, size * Math.cos(e - poles * Math.round(e / poles)));
      return 2 * size * Math.sin(half) * Math.sin(half - e);
    });
    return found.map(margin => Math.abs(margin) > 64 * Number.EPSILON * most ? margin : 0);
  }

  const share = values => values.reduce((count, margin) => count + (margin > 0), 0) / values.length;

  // Mean cross-entropy in nats over all pairs, the logits times `scale`. The answer d beyond the right one is above it
  // by 2 |Z| sin(pi d / p) sin(e - pi d / p). The sum begins at the answer to which Z points, goes round the circle to
  // both sides, and ends where nothing is left to add. The derivative by Z is written to `slope`, {re, im}, if given.
  function loss(Z, scale = 1, slope = null) {
    const {p, re, im, tied} = Z, off = deviations(Z), step = Math.PI / p;
    const sines = range(p).map(d => Math.sin(step * d)), cosines = range(p).map(d => Math.cos(step * d));
    let total = 0;
    for (let pair = 0; pair < off.length; pair++) {
      const a = Math.floor(pair / p), b = pair % p, twice = tied && b > a ? 2 : 1;
      if (tied && b < a) continue; // as (b, a)
      const size = 2 * scale * Math.hypot(re[pair], im[pair]), s = Math.sin(off[pair]), c = Math.cos(off[pair]);
      const first = (Math.round(off[pair] * p / TAU) + p) % p;
      const top = size * sines[first] * (s * cosines[first] - c * sines[first]);
      let others = 0, x = 0, y = 0; // sums over wrong answers of q = exp(above - top), and of q (exp(2 pi i d / p) - 1)
      for (let side = 1; side >= -1; side -= 2) {
        const last = side > 0 ? p >> 1 : (p - 1) >> 1;
        for (let j = side > 0 ? 0 : 1; j <= last; j++) {
          const d = (first + side * j + p) % p;
          if (d === 0) continue;
          const q = Math.exp(size * sines[d] * (s * cosines[d] - c * sines[d]) - top);
          others += q;
          x -= 2 * q * sines[d] * sines[d];
          y += 2 * q * sines[d] * cosines[d];
          if (q <= 1e-18 * others) break;
        }
      }
      total += twice * (top + Math.log1p(Math.expm1(-top) + others));
      if (slope) {
        const share = scale / ((Math.exp(-top) + others) * off.length), answer = TAU * ((a + b) % p) / p;
        slope.re[pair] = share * (x * Math.cos(answer) - y * Math.sin(answer));
        slope.im[pair] = share * (x * Math.sin(answer) + y * Math.cos(answer));
      }
    }
    if (slope && tied) for (const part of [slope.re, slope.im]) mirror(part, p);
    return total / off.length;
  }

  // Where the sum of a star of pure cosines points, and how long it is, if a and b together point to psi: {off, size},
  // off the right direction 2 psi. As the activations scale, psi = pi (a + b) / p alone counts (docs/theory.md, section
  // 3), and the sign of cos(pi (a - b) / p), which is a half turn of psi.
  function pointer({phases, weights}, activation) {
    const act = ACTIVATIONS[activation];
    const re = phases.map((phase, i) => weights[i] * Math.cos(2 * phase)),
      im = phases.map((phase, i) => weights[i] * Math.sin(2 * phase));
    return psi => {
      let x = 0, y = 0;
      for (let i = 0; i < phases.length; i++) {
        const post = act(Math.cos(psi - phases[i]));
        x += post * re[i];
        y += post * im[i];
      }
      return {off: wrapped(Math.atan2(y, x) - 2 * psi), size: Math.hypot(x, y)};
    };
  }

  // The largest |off| of any direction: all odd p < pi / off are decided rightly, however the ring is turned.
  function worst(ring, activation) {
    const at = pointer(ring, activation);
    return range(7200).reduce((most, i) => Math.max(most, Math.abs(at(TAU * i / 7200).off)), 0);
  }

  // Whether the star decides all pairs of an odd p (`analytic.solves`): 2 p directions do.
  function solves(p, ring, activation) {
    const step = Math.PI / p, at = pointer(ring, activation), leads = [];
    let most = 0;
    for (let j = 0; j < 2 * p; j++) {
      const {off, size} = at(step * j);
      if (Math.abs(off) > step * (1 + 1e-6) && size > 1e-6) return false;
      most = Math.max(most, size);
      leads.push(2 * size * Math.sin(step) * Math.sin(step - Math.abs(off)));
    }
    return leads.every(lead => lead > 64 * Number.EPSILON * most);
  }

  // The largest odd p, up to a limit, to which the star decides every odd p: those below pi / worst in any case, then
  // as many as are lucky. null if not even 3. For regular rings it is `analytic.largest_modulus`.
  function reach(ring, activation, limit) {
    let p = 2 * Math.floor(Math.min(Math.PI / worst(ring, activation) / (1 + 1e-6), limit) / 2 + 0.5) - 1;
    while (p + 2 <= limit && solves(p + 2, ring, activation)) p += 2;
    return p < 3 ? null : p;
  }

  // A ring near this one whose moments of these orders vanish, by Gauss-Newton: phases and logarithms of the
  // weights take the shortest step that the linear equations ask for. null where it does not come to rest.
  function project(ring, orders) {
    let phases = [...ring.phases], weights = [...ring.weights];
    const n = phases.length, total = sum(weights);
    for (let round = 0; round < 60; round++) {
      const rows = [], misses = [sum(weights) - total];
      rows.push([...phases.map(() => 0), ...weights]);
      for (const order of orders) {
        const c = phases.map((phase, i) => weights[i] * Math.cos(order * phase));
        const s = phases.map((phase, i) => weights[i] * Math.sin(order * phase));
        rows.push([...s.map(x => -order * x), ...c], [...c.map(x => order * x), ...s]);
        misses.push(sum(c), sum(s));
      }
      if (largest(misses) < 1e-13 * total) return {phases: phases.map(wrapped), weights};
      const gram = rows.map(x => rows.map(y => dot(x, y)));
      const most = largest(gram.map((row, i) => row[i]));
      gram.forEach((row, i) => { row[i] += 1e-13 * most; });
      const y = solve(gram, misses), step = rows[0].map((_, i) => -sum(rows.map((row, j) => row[i] * y[j])));
      const damp = Math.min(1, 0.5 / largest(step));
      phases = phases.map((phase, i) => phase + damp * step[i]);
      weights = weights.map((weight, i) => weight * Math.exp(damp * step[n + i]));
    }
    return null;
  }

  const dot = (x, y) => x.reduce((total, value, i) => total + value * y[i], 0);
  const largest = values => values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);

  // Solution of a system of linear equations, by elimination with pivots.
  function solve(matrix, right) {
    const rows = matrix.map((row, i) => [...row, right[i]]), n = rows.length;
    for (let i = 0; i < n; i++) {
      const pivot = range(n).slice(i).reduce((best, j) => Math.abs(rows[j][i]) > Math.abs(rows[best][i]) ? j : best);
      [rows[i], rows[pivot]] = [rows[pivot], rows[i]];
      for (let j = i + 1; j < n; j++) {
        const factor = rows[j][i] / rows[i][i];
        for (let k = i; k <= n; k++) rows[j][k] -= factor * rows[i][k];
      }
    }
    const x = Array(n).fill(0);
    for (let i = n - 1; i >= 0; i--) x[i] = (rows[i][n] - dot(rows[i].slice(i + 1, n), x.slice(i + 1))) / rows[i][i];
    return x;
  }

  // Loss of a star whose weights add up to `total`, and its derivatives. Its unknowns are phases and roots of weights,
  // up to a common factor: 2 N numbers.
  const unknowns = ({phases, weights}) => [...phases, ...weights.map(Math.sqrt)];

  function ringOf(x, total) {
    const n = x.length / 2, roots = x.slice(n), norm = dot(roots, roots);
    return {phases: x.slice(0, n), weights: roots.map(root => total * root * root / norm)};
  }

  function ringLoss(x, {p, activation, shape, total}) {
    const ring = ringOf(x, total), network = star(p, ring, activation, shape), Z = sinusoids(network);
    const slope = {re: new Float64Array(p * p), im: new Float64Array(p * p)}, value = loss(Z, 1, slope);
    const act = ACTIVATIONS[activation], bend = SLOPES[activation];
    const pulls = ring.phases.map((phase, i) => { // derivatives by the phase, and by the weight
      const u = network.A[i], c = Math.cos(2 * phase), s = Math.sin(2 * phase);
      const turn = u.map((_, a) => Math.sin(TAU * a / p - phase) +
        2 * shape.second * Math.sin(2 * (TAU * a / p - phase)));
      let byPhase = 0, byWeight = 0;
      for (let a = 0, pair = 0; a < p; a++) {
        for (let b = 0; b < p; b++, pair++) {
          const pre = u[a] + u[b], along = slope.re[pair] * c + slope.im[pair] * s;
          byWeight += act(pre) * along;
          byPhase += bend(pre) * (turn[a] + turn[b]) * along + 2 * act(pre) * (slope.im[pair] * c - slope.re[pair] * s);
        }
      }
      return [ring.weights[i] * byPhase, byWeight];
    });
    const n = ring.phases.length, roots = x.slice(n), norm = dot(roots, roots);
    const mean = sum(pulls.map(([, byWeight], i) => byWeight * ring.weights[i])) / total; // weights keep their sum
    return {value, slope: [...pulls.map(([byPhase]) => byPhase),
      ...pulls.map(([, byWeight], i) => 2 * total * roots[i] / norm * (byWeight - mean))]};
  }

  // Minimises f(x) -> {value, slope} by BFGS (Nocedal and Wright, Numerical Optimization, ch. 6): each call of the
  // function returned takes a step and says whether it got lower.
  function descent(f, x) {
    const n = x.length, state = {x, ...f(x)};
    let inverse = null;
    state.step = () => {
      inverse ??= range(n).map(i => range(n).map(j => +(i === j) * 0.1 / largest(state.slope)));
      const direction = inverse.map(row => -dot(row, state.slope)), downhill = dot(direction, state.slope);
      for (let length = 1; length > 1e-8 && downhill < 0; length /= 3) {
        const move = direction.map(d => length * d), next = state.x.map((value, i) => value + move[i]), found = f(next);
        if (!(found.value < state.value + 1e-4 * length * downhill)) continue;
        const change = found.slope.map((g, i) => g - state.slope[i]), curvature = dot(move, change);
        if (curvature > 1e-12 * Math.sqrt(dot(move, move) * dot(change, change))) {
          const H = inverse.map(row => dot(row, change)), own = 1 + dot(H, change) / curvature;
          inverse = inverse.map((row, i) => row.map((value, j) =>
            value + (own * move[i] * move[j] - H[i] * move[j] - move[i] * H[j]) / curvature));
        }
        Object.assign(state, {x: next, ...found});
        return true;
      }
      inverse = null; // once more along the slope before giving up
      return false;
    };
    return state;
  }

  return {TAU, range, sum, wrapped, REQUIRED, COSINE, LEARNED, moments, strengths, regularRing, unevenRing, star,
    untiedStar, sinusoids, logits, deviations, margins, share, loss, worst, solves, reach, project, unknowns, ringOf,
    ringLoss, descent};
})();
