"use strict";
// The article's network and AdamW, trained in the page: the passes of `networks.mlp` (tied, ReLU, no bias),
// `layers.cross_entropy` and `learning.adamw` in float64, with loops in place of NumPy's products.
//
// A neuron sees A[a] + A[b], so all that depends on one token is computed once a step at p rows; and a neuron that ReLU
// has switched off, about every second one, costs nothing, neither forward nor backward.

// A network in training. `theta` holds W_E (p, d), W_in (d, h), W_out (h, d) one after the other, as in NumPy's flat
// vector; `train` and `test` hold pairs a, b, a, b, ... This function is also sent to a worker as text, so it uses
// nothing from outside.
function learner({p, d, h, lr = 1e-3, betas = [0.9, 0.98], eps = 1e-8, decay = 1, theta, train, test}) {
  const [beta1, beta2] = betas, size = 2 * d * h + p * d;
  const gradient = new Float64Array(size), m = new Float64Array(size), v = new Float64Array(size);
  const parts = flat => [flat.subarray(0, p * d), flat.subarray(p * d, p * d + d * h), flat.subarray(p * d + d * h)];
  const [W_E, W_in, W_out] = parts(theta), [dW_E, dW_in, dW_out] = parts(gradient);
  const A = new Float64Array(p * h), C = new Float64Array(h * p), dA = new Float64Array(p * h),
    dC = new Float64Array(h * p), logits = new Float64Array(p), post = new Float64Array(h), active = new Int32Array(h);
  let t = 0;

  // out (n, k) += X (n, m) Y (m, k), or X^T Y for X (m, n).
  function addProduct(out, X, Y, n, m, k, transposed) {
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < m; j++) {
        const x = X[transposed ? j * n + i : i * m + j], row = j * k;
        for (let l = 0, o = i * k; l < k; l++, o++) out[o] += x * Y[row + l];
      }
    }
  }

  // out (n, k) += X (n, m) Y^T for Y (k, m).
  function addProductWithTransposed(out, X, Y, n, m, k) {
    for (let i = 0; i < n; i++) {
      for (let l = 0; l < k; l++) {
        let sum = 0;
        for (let j = 0, x = i * m, y = l * m; j < m; j++, x++, y++) sum += X[x] * Y[y];
        out[i * k + l] += sum;
      }
    }
  }

  function effective() {
    A.fill(0);
    C.fill(0);
    addProduct(A, W_E, W_in, p, d, h, false);
    addProductWithTransposed(C, W_out, W_E, h, d, p);
  }

  // Logits of a pair into `logits`; the neurons that are on into `active`, how many is returned.
  function mix(a, b) {
    let n = 0;
    logits.fill(0);
    for (let j = 0, i = a * h, k = b * h; j < h; j++, i++, k++) {
      const pre = A[i] + A[k];
      if (!(pre > 0)) continue;
      post[j] = pre;
      active[n++] = j;
      for (let c = 0, o = j * p; c < p; c++, o++) logits[c] += pre * C[o];
    }
    return n;
  }

  // Cross-entropy in nats, relative to the largest logit (`layers.cross_entropy_forward`); `logits` becomes the
  // gradient for one example of a mean, `share` its weight.
  function crossEntropy(answer, share) {
    let largest = -Infinity, sum = 0;
    for (let c = 0; c < p; c++) if (logits[c] > largest) largest = logits[c];
    const behind = largest - logits[answer];
    logits[answer] = -Infinity;
    for (let c = 0; c < p; c++) sum += logits[c] = Math.exp(logits[c] - largest);
    const scale = share / (Math.exp(-behind) + sum);
    for (let c = 0; c < p; c++) logits[c] *= scale;
    logits[answer] = -sum * scale;
    return behind + Math.log1p(Math.expm1(-behind) + sum);
  }

  // One step of AdamW on all training pairs; returns the mean loss before it.
  function step() {
    effective();
    dA.fill(0);
    dC.fill(0);
    let loss = 0;
    const share = 2 / train.length;
    for (let e = 0; e < train.length; e += 2) {
      const a = train[e], b = train[e + 1], answer = (a + b) % p, n = mix(a, b);
      loss += crossEntropy(answer, share);
      for (let i = 0; i < n; i++) {
        const j = active[i], x = post[j];
        let dpre = 0;
        for (let c = 0, o = j * p; c < p; c++, o++) {
          const g = logits[c];
          dpre += g * C[o];
          dC[o] += x * g;
        }
        dA[a * h + j] += dpre;
        dA[b * h + j] += dpre;
      }
    }
    gradient.fill(0);
    addProductWithTransposed(dW_E, dA, W_in, p, h, d);
    addProduct(dW_E, dC, W_out, p, h, d, true);
    addProduct(dW_in, W_E, dA, d, p, h, true);
    addProduct(dW_out, dC, W_E, h, p, d, false);
    adamw();
    return loss * share;
  }

  function adamw() {
    t++;
    const c1 = 1 - beta1 ** t, c2 = Math.sqrt(1 - beta2 ** t), rate = lr * c2 / c1, kept = 1 - lr * decay;
    for (let i = 0; i < size; i++) {
      const g = gradient[i];
      m[i] = beta1 * m[i] + (1 - beta1) * g;
      v[i] = beta2 * v[i] + (1 - beta2) * g * g;
      theta[i] = kept * theta[i] - rate * m[i] / (Math.sqrt(v[i]) + c2 * eps);
    }
  }

  // Mean loss and share of right answers on some pairs; `right`, if given, is told of each pair.
  function evaluate(pairs, right) {
    let loss = 0, correct = 0;
    for (let e = 0; e < pairs.length; e += 2) {
      const a = pairs[e], b = pairs[e + 1], answer = (a + b) % p;
      mix(a, b);
      let ok = 1;
      for (let c = 0; c < p; c++) if (c !== answer && !(logits[c] < logits[answer])) ok = 0;
      loss += crossEntropy(answer, 1);
      correct += ok;
      right?.(a, b, ok);
    }
    return {loss: 2 * loss / pairs.length, accuracy: 2 * correct / pairs.length};
  }

  return {p, step, evaluate, effective, A, C, theta, train, test, get steps() { return t; },
    set decay(value) { decay = value; }};
}

// First weights and pairs of a seed: the article's truncated normals (`initial.draw_article`), a share of the unordered
// pairs to train on. The numbers are not NumPy's, as its generators are not in the browser.
function beginning({p, d, h, share, seed}) {
  let state = Math.imul(seed, 2654435761) | 0;
  const uniform = () => { // mulberry32 (Tommy Ettinger)
    state = state + 0x6D2B79F5 | 0;
    let x = Math.imul(state ^ state >>> 15, 1 | state);
    x = x + Math.imul(x ^ x >>> 7, 61 | x) ^ x;
    return ((x ^ x >>> 14) >>> 0) / 2 ** 32;
  };
  const normal = () => { // Box and Muller, drawn again beyond two standard deviations
    const x = Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
    return Math.abs(x) <= 2 ? x : normal();
  };
  const TRUNCATED_STD = 0.8796256610342398;
  const draw = (n, std) => Array.from({length: n}, () => std * normal());
  const theta = Float64Array.from([...draw(p * d, Math.sqrt(2 / p) / TRUNCATED_STD), ...draw(d * h, d ** -0.5),
    ...draw(h * d, h ** -0.5)]);
  const pairs = [];
  for (let a = 0; a < p; a++) for (let b = a; b < p; b++) pairs.push([a, b]);
  for (let i = pairs.length - 1; i > 0; i--) {
    const j = Math.floor(uniform() * (i + 1));
    [pairs[i], pairs[j]] = [pairs[j], pairs[i]];
  }
  const known = Math.floor(share * pairs.length);
  return {theta, train: pairs.slice(0, known).flat(), test: pairs.slice(known).flat()};
}

// In a worker this text is all there is. It is told {start: settings of `learner` and `beginning`, and pace in steps
// per second}, {decay}, {go: true or false}; about 25 times a second it tells where it is.
if (typeof document === "undefined") {
  let one, pace, last, owed = 0, timer = null;
  const tell = () => {
    one.effective();
    const {p, train, test} = one, right = new Uint8Array(p * p), shown = new Uint8Array(p * p);
    const note = mark => (a, b, ok) => {
      right[a * p + b] = right[b * p + a] = ok;
      shown[a * p + b] = shown[b * p + a] = mark;
    };
    postMessage({step: one.steps, train: one.evaluate(train, note(1)), test: one.evaluate(test, note(0)), right, shown,
      pairs: [train.length / 2, test.length / 2], A: Float32Array.from(one.A), C: Float32Array.from(one.C)});
  };
  const tick = () => {
    const now = performance.now();
    owed = Math.min(owed + pace * (now - last) / 1000, pace / 4);
    last = now;
    const before = one.steps;
    for (; owed >= 1 && performance.now() < now + 60; owed--) one.step();
    if (one.steps > before) tell();
    timer = setTimeout(tick, Math.max(0, 40 - (performance.now() - now)));
  };
  onmessage = ({data: {start, decay, go}}) => {
    if (start) {
      one = learner({...start, ...beginning(start)});
      ({pace} = start);
      tell();
    }
    if (decay !== undefined) one.decay = decay;
    if (go !== undefined) {
      clearTimeout(timer);
      last = performance.now();
      if (go) tick();
    }
  };
}
