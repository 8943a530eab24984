/** The only import of zeromq: it loads a native addon, so it is imported when a socket is made and not before. */
export { Context, context, type Dealer, Dealer as DealerSocket, Router as RouterSocket } from "zeromq";
