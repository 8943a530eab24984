import { nativeSys } from "./addon.ts";

/** A descriptor that closes itself at the end of its `using` block, once. */
export class Fd implements Disposable {
  #number: number;

  constructor(number: number) {
    this.#number = number;
  }

  /** The descriptor's number. @throws Error after it was closed or released */
  get number(): number {
    if (this.#number < 0) throw new Error("this descriptor is closed already");
    return this.#number;
  }

  get isOpen(): boolean {
    return this.#number >= 0;
  }

  /** Releases ownership: the caller closes the descriptor. */
  release(): number {
    const number = this.number;
    this.#number = -1;
    return number;
  }

  close(): void {
    if (this.#number < 0) return;
    const number = this.#number;
    this.#number = -1;
    nativeSys().closeFd(number);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
