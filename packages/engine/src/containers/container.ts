import type { ContainerDocument } from "./document.ts";
import { type ExitReport, Lifecycle } from "./lifecycle/lifecycle.ts";
import { PendingAttachments } from "./streams/pending-attachments.ts";

/** A container as the running engine has it: its document, and the state that lives only in memory. */
export class Container {
  readonly document: ContainerDocument;
  readonly lifecycle = new Lifecycle();
  readonly pendingAttachments = new PendingAttachments();

  constructor(document: ContainerDocument) {
    this.document = document;
  }

  get id(): string {
    return this.document.id;
  }

  /** How the last run ended. */
  get lastExit(): ExitReport {
    return { exitCode: this.document.state.ExitCode, error: this.document.state.Error };
  }

  /** True while a process exists (not while a restart is pending). */
  get alive(): boolean {
    return this.document.state.Running && !this.document.state.Restarting;
  }
}
