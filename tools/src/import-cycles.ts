/** The files that each file imports. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>;

/** Every set of files that import one another in a circle, sorted: the graph's strongly connected components (Tarjan's algorithm). */
export function importCycles(graph: ImportGraph): string[][] {
  const cycles: string[][] = [];
  const path: string[] = [];
  const order = new Map<string, number>();

  /** Returns the order of the earliest file on the path that this one leads back to. */
  const visit = (file: string): number => {
    const own = order.size;
    order.set(file, own);
    path.push(file);
    const imports = graph.get(file) ?? [];
    let earliest = own;
    for (const imported of imports) {
      const reached = order.get(imported);
      if (reached === undefined) earliest = Math.min(earliest, visit(imported));
      else if (path.includes(imported)) earliest = Math.min(earliest, reached);
    }
    if (earliest === own) {
      const members = path.splice(path.indexOf(file));
      if (members.length > 1 || imports.includes(file)) cycles.push(members.sort());
    }
    return earliest;
  };

  for (const file of graph.keys()) if (!order.has(file)) visit(file);
  return cycles;
}
