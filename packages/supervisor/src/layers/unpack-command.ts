/** First argument that makes this program unpack one layer; the second one is a LayerTarget in JSON. */
export const unpackCommand = "unpack-layer";
