/** First argument of this program when it is to unpack one layer; the second one is a LayerTarget in JSON. */
export const unpackCommand = "unpack-layer";
