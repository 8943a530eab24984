import type { JsRuntimeName } from "../binaries.ts";

/**
 * Environment variables of the JS runtimes. Our programs run as root, often with an environment that is not
 * trusted: none of these may load code, write files, print or change limits. The build renames them inside the
 * executables; programs still see them in `process.env` and pass them on.
 */
export interface EnvironmentRules {
  /** Prefixes of names that the JS runtime alone reads: all are disarmed, those of a new version too. */
  readonly families: readonly string[];
  /** Further names that are disarmed. */
  readonly disarmed: readonly string[];
  /** Prefixes whose names must be reviewed: a name that is in none of these lists fails the build. */
  readonly reviewed: readonly string[];
  /** Beginnings of names that the executable compares character by character, in code. */
  readonly comparedInCode: readonly string[];
  /** Reviewed names, or beginnings of names, that are constants and no variables. */
  readonly constants: readonly string[];
}

/** Node's variables, which Bun reads for compatibility. */
const nodeVariables = [
  ...["NODE_CHANNEL_FD", "NODE_CHANNEL_SERIALIZATION_MODE", "NODE_CLUSTER_SCHED_POLICY", "NODE_UNIQUE_ID"],
  ...["NODE_COMPILE_CACHE", "NODE_COMPILE_CACHE_PORTABLE", "NODE_COMPILE_CACHE_READONLY"],
  ...["NODE_DEBUG", "NODE_DEBUG_NATIVE", "NODE_DISABLE_COLORS", "NODE_DISABLE_COMPILE_CACHE", "NODE_ENV"],
  ...["NODE_EXTRA_CA_CERTS", "NODE_ICU_DATA", "NODE_INSPECT_RESUME_ON_START", "NODE_NO_READLINE", "NODE_NO_WARNINGS"],
  ...[
    "NODE_OPTIONS",
    "NODE_PATH",
    "NODE_PORT",
    "NODE_PENDING_DEPRECATION",
    "NODE_PENDING_PIPE_INSTANCES",
    "NODE_PRESERVE_SYMLINKS",
  ],
  ...["NODE_PRESERVE_SYMLINKS_MAIN", "NODE_REDIRECT_WARNINGS", "NODE_REPL_EXTERNAL_MODULE", "NODE_REPL_HISTORY"],
  ...[
    "NODE_REPL_HISTORY_SIZE",
    "NODE_REPL_MODE",
    "NODE_SKIP_PLATFORM_CHECK",
    "NODE_TEST_CONTEXT",
    "NODE_TEST_WORKER_ID",
  ],
  ...["NODE_TLS_REJECT_UNAUTHORIZED", "NODE_USE_ENV_PROXY", "NODE_USE_SYSTEM_CA", "NODE_V8_COVERAGE"],
];

/** Variables of the libraries that both contain. */
const libraryVariables = [
  ...[
    "UV_THREADPOOL_SIZE",
    "UV_USE_IO_URING",
    "SIMDUTF_FORCE_IMPLEMENTATION",
    "ICU_DATA",
    "ICU_ENABLE_TENTATIVE_ERA",
    "ICU_TIMEZONE_FILES_DIR",
  ],
  ...["OPENSSL_CONF", "OPENSSL_CONF_INCLUDE", "OPENSSL_ENGINES", "OPENSSL_MODULES", "OPENSSL_ia32cap", "CTLOG_FILE"],
  ...["SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE", "QLOGDIR", "GLIBCXX_TUNABLES"],
];

/** Constants of libuv, OpenSSL and Node's API that the executables contain as text. */
const libraryConstants = [
  ...[
    "UV_DIRENT_",
    "UV_E",
    "UV_FS_",
    "UV_UDP_",
    "UV_CLOCK_",
    "UV_RUN_",
    "UV_HANDLE_",
    "UV_UNKNOWN",
    "UV_PIPE_",
    "UV_TTY_",
  ],
  ...["SSL_CTX_", "SSL_OP_", "SSL_HANDSHAKE_", "SSL_LIB", "SSL_SESSION_", "SSL_CIPHER_", "SSL_F_", "SSL_R_"],
  ...["OPENSSL_VERSION_NUMBER", "OPENSSL_EC_", "NODE_API_", "NODE_PERFORMANCE_"],
];

const reviewedPrefixes = ["NODE_", "UV_", "OPENSSL_", "SSL_", "ICU_", "SIMDUTF_", "V8_", "MI_", "MIMALLOC_", "LIBUV_"];

export const environmentRules: Readonly<Record<JsRuntimeName, EnvironmentRules>> = {
  bun: {
    families: ["BUN_", "JSC_", "WTF_"],
    disarmed: [
      ...nodeVariables,
      ...libraryVariables,
      ...["JavaScriptCoreUseJIT", "WebKitMallocForceEnabled", "WebKitSystemHeapOverrideEnablement"],
      ...["MallocLogFile", "MallocStackLogging", "MallocGuardEdges", "MallocScribble", "MallocErrorAbort"],
      ...["MallocCorruptionAbort", "MallocCheckHeapStart", "MallocCheckHeapEach", "MallocCheckHeapSleep"],
      ...["MallocCheckHeapAbort", "MallocDoNotProtectPrelude", "MallocDoNotProtectPostlude", "MallocHelp"],
      ...["HYPERFINE_RANDOMIZED_ENVIRONMENT_OFFSET"],
    ],
    reviewed: reviewedPrefixes,
    comparedInCode: ["BUN_JSC_"],
    constants: libraryConstants,
  },
  node: {
    families: [],
    disarmed: [
      ...nodeVariables,
      ...libraryVariables,
      ...["NODE_BENCH_CONTEXT", "NODE_BENCH_FILE_RUN_ID", "NODE_BENCH_RUN_ID", "WATCH_REPORT_DEPENDENCIES"],
    ],
    reviewed: reviewedPrefixes,
    comparedInCode: [],
    constants: [
      ...libraryConstants,
      ...[
        "ICU_NO_USER_DATA_OVERRIDE",
        "NODE_DEBUG_ENABLED",
        "NODE_SEA_BLOB",
        "NODE_SEA_FUSE",
        "SIMDUTF_BUILTIN_IMPLEMENTATION",
      ],
      ...["SSL_CERTIFICATE_", "SSL_FORTEZZA_", "SSL_RSA_FIPS_", "SSL_VERIFY_", "UV_READABLE", "UV_WRITABLE", "UV_TCP_"],
      ...["V8_DICT_PROPERTY_CONST_TRACKING_BOOL", "V8_ENABLE_SANDBOX_BOOL", "V8_STATIC_ROOTS_BOOL"],
    ],
  },
};

/** Variables that both JS runtimes may read in C, each with the reason. */
export const keptVariables: Readonly<Record<string, string>> = {
  HOME: "os.homedir(), where an ordinary user's addons are unpacked",
  XDG_RUNTIME_DIR: "our own look-up: where an ordinary user's addons are unpacked",
  LANG: "ICU's default locale: our programs print without locales",
  LC_ALL: "as LANG",
  LC_MESSAGES: "as LANG",
  TZ: "the time zone that times are shown in",
  NO_COLOR: "colours of the JS runtime's own messages",
  FORCE_COLOR: "as NO_COLOR",
  Malloc: "WebKit's choice of an allocator, the system's or its own",
  DYLD_INSERT_LIBRARIES: "macOS only; Linux has LD_PRELOAD, which the dynamic loader reads",
};
