import * as v from "valibot";

/** The durable state of a volume. */
export interface VolumeDocument {
  readonly name: string;
  readonly createdAt: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly anonymous: boolean;
  /** Created for a container whose own creation is not over; the volume is removed when that fails. */
  readonly provisional?: boolean;
}

export const volumeDocument: v.GenericSchema<unknown, VolumeDocument> = v.object({
  name: v.string(),
  createdAt: v.string(),
  labels: v.record(v.string(), v.string()),
  anonymous: v.boolean(),
  provisional: v.exactOptional(v.boolean()),
});
