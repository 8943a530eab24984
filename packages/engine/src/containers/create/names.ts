import { randomInt } from "node:crypto";
import { invalid } from "../../base/errors.ts";

const allowed = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** A name as given, without its optional slash. @throws RpcError InvalidArgument with Docker's message */
export function checkedName(given: string): string {
  const name = given.replace(/^\//, "");
  if (!allowed.test(name)) {
    throw invalid(`Invalid container name (${given}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
  }
  return name;
}

/** adjective_surname; with a digit behind it from the second attempt on. */
export function generateName(attempt: number): string {
  const name = `${adjectives[randomInt(adjectives.length)]}_${surnames[randomInt(surnames.length)]}`;
  return attempt === 0 ? name : `${name}${randomInt(10 ** Math.min(attempt, 6))}`;
}

const adjectives = `
  able agile amber ample apt bold brave brief bright brisk calm candid careful cheerful civil clear clever cosy crisp
  curious daring deft devoted direct eager early earnest easy eloquent fair faithful famous fluent fond frank free
  fresh friendly gentle glad golden graceful grand grateful happy hardy helpful honest hopeful humble jolly jovial
  keen kind lively logical loyal lucid mellow merry mild modest neat nimble noble open patient peaceful plain playful
  polite precise proud prudent quick quiet ready reliable robust serene sharp silent simple sincere sleek smart smooth
  snappy sober solid spirited stable steady stoic strong sturdy subtle sunny swift tender thorough tidy tranquil true
  trusty upbeat vivid warm wise witty zealous zesty`
  .trim()
  .split(/\s+/);

/** Scientists, engineers and explorers. */
const surnames = `
  abel agnesi ampere archimedes avogadro babbage bell bernoulli bessemer bohr boole bose brahe brunel cantor carnot
  cauchy celsius chandrasekhar chebyshev copernicus coulomb curie dalton darwin davy dedekind descartes dijkstra dirac
  edison einstein eratosthenes euclid euler faraday fermat fermi fibonacci fleming foucault fourier franklin galileo
  galois gauss germain goodall hamilton harrison hawking heisenberg herschel hertz hilbert hooke hopper hubble huygens
  hypatia jacquard joule kepler khwarizmi kirchhoff kovalevskaya lagrange laplace lavoisier leibniz linnaeus lister
  lovelace magellan marconi maxwell meitner mendel mendeleev mercator mirzakhani moebius morse nansen napier newton
  nightingale nobel noether ohm pascal pasteur payne planck poincare ptolemy pythagoras ramanujan riemann roentgen
  rutherford shannon somerville tesla torricelli turing vaughan volta watt wegener weierstrass wiener wright yalow`
  .trim()
  .split(/\s+/);
