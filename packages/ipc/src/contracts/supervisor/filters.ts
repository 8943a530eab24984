import * as v from "valibot";

/**
 * containerd's filters. A filter is clauses with commas between them that must all hold: `name==x`, `name!=x`,
 * `name~=REGEXP`, or `name` alone for "has one"; labels are `labels.key` or `labels."key.with.dots"`. Of several
 * filters one is enough; without any, all match. InvalidArgument says where one cannot be read.
 */
export const filters = v.optional(v.array(v.string()));
