export const defaultHost = "ipc:///run/gantry/engine.sock";
