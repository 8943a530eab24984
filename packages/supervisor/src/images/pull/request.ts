import type { RegistryCall } from "../registry/call.ts";

export interface PullRequest extends RegistryCall {
  readonly namespace: string;
  readonly name: string;
  readonly platform?: string | undefined;
  readonly allPlatforms?: boolean | undefined;
  readonly allMetadata?: boolean | undefined;
  readonly metadataOnly?: boolean | undefined;
  readonly imageOnly?: boolean | undefined;
  readonly referrers?: boolean | undefined;
  readonly unpack?: boolean | undefined;
  readonly labels?: Record<string, string> | undefined;
  readonly parallel?: number | undefined;
  /** Keeps the content after the pull. */
  readonly lease?: string | undefined;
}
