/* davit for C, and for whatever calls C: opaque handles, JSON in and out, no exception crosses.
 *
 *     davit_engine *engine = davit_engine_new(NULL, &error);
 *     char *loaded = davit_load("{\"directory\": \"/srv/shop\"}", &error);   // {"project": {...}, "warnings": [...]}
 *     davit_up(engine, loaded, NULL, NULL, &error);
 *
 * Texts are UTF-8 and end with NUL; those that a function returns are the caller's, to be given to davit_free().
 * Handles are the caller's until their own ..._free(). Options are a JSON object, or NULL for none; an unknown key is
 * an error. Times in options are seconds, fractions allowed; times in answers nanoseconds since the epoch.
 *
 * Every call that can fail takes a davit_error **, which may be NULL; on failure it gets an error that is the caller's,
 * and is not touched else. What returns int returns DAVIT_OK or the kind of the error, what returns a pointer NULL.
 *
 * Calls block as their namesakes of the C++ headers do, which say what may fail and why. An engine may be used by
 * several threads at once; a scope by one, but for wait and exec. A davit_stop ends calls that were given it, from any
 * thread. Callbacks are called from the thread of the call, where nothing else is said; nothing but C may leave them
 * (no longjmp, no exception). Descriptors that a call is given stay the caller's. */
#ifndef DAVIT_DAVIT_H
#define DAVIT_DAVIT_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DAVIT_C_API __attribute__((visibility("default")))

/* The interface of this header: a library of another number is another one. */
#define DAVIT_C_ABI 1
DAVIT_C_API int davit_c_abi(void);
DAVIT_C_API const char* davit_version_text(void); /* "0.1.0", of the library that is loaded */
DAVIT_C_API void davit_free(char* text);

/* ---- Errors: the kinds of davit/error.hpp, from 1. */
enum davit_kind {
    DAVIT_OK = 0,
    DAVIT_USAGE = 1,
    DAVIT_INVALID_PROJECT = 2,
    DAVIT_NOT_FOUND = 3,
    DAVIT_CONFLICT = 4,
    DAVIT_UNSUPPORTED = 5,
    DAVIT_DENIED = 6,
    DAVIT_UNAVAILABLE = 7,
    DAVIT_INTERRUPTED = 8,
    DAVIT_FAILED = 9
};
typedef struct davit_error davit_error;
DAVIT_C_API int davit_error_kind(const davit_error* error);
/* Texts of the error's, valid as long as it is: one sentence; all of it, with place, context and hint; the same as
 * JSON:
 * {"kind": "not_found", "message", "file", "line", "column", "resource", "errno", "context": [...], "hint",
 * "exit_code", "diagnostics": [...] of a project that is wrong, "unmet": [...] of a wait}. */
DAVIT_C_API const char* davit_error_message(const davit_error* error);
DAVIT_C_API const char* davit_error_describe(const davit_error* error);
DAVIT_C_API const char* davit_error_json(const davit_error* error);
DAVIT_C_API void davit_error_free(davit_error* error);

/* ---- Leaving calls early. */
typedef struct davit_stop davit_stop;
DAVIT_C_API davit_stop* davit_stop_new(void);
DAVIT_C_API void davit_stop_request(davit_stop* stop); /* also from a signal's thread, not from its handler */
DAVIT_C_API void davit_stop_free(davit_stop* stop);

/* ---- Projects. {"files": [...], "texts": [{"name", "text"}], "directory": where relative names start,
 * "project_name", "profiles": [...], "env_files": [...], "environment": {...}, "services": [...]}. Without files and
 * texts the compose file of the directory. The answer is {"project": the resolved compose document, "warnings": [...]}.
 * The answer has what the profiles leave, without their names: what is in it starts.
 * Wherever a call takes a project it takes this answer, its "project", or any compose document in JSON or YAML. */
DAVIT_C_API char* davit_load(const char* options, davit_error** error);

/* ---- Engines. {"state_dir", "run_dir", "libexec_dir", "keep_free": bytes that no pull takes, "parallel": images at
 * once} */
typedef struct davit_engine davit_engine;
DAVIT_C_API davit_engine* davit_engine_new(const char* options, davit_error** error);
DAVIT_C_API void davit_engine_free(davit_engine* engine);

/* {"services": [...], "build", "no_build", "pull": "policy|always|missing|never", "recreate": "diverged|always|never",
 *  "wait", "wait_timeout", "no_deps", "no_start", "remove_orphans", "scale": {"web": 2}, "timeout"} */
DAVIT_C_API int davit_up(davit_engine* engine, const char* project, const char* options, davit_stop* stop,
                         davit_error** error);
/* By name. {"services": [...], "volumes", "remove_orphans", "timeout"} */
DAVIT_C_API int davit_down(davit_engine* engine, const char* name, const char* options, davit_stop* stop,
                           davit_error** error);
/* The containers of a project, or of all (NULL): [{"id", "name", "project", "service", "number", "image", "state",
 * "health", "pid", "exit_code", "created", "started", "finished", "restarts", "networks": [...], "ports": [...]}] */
DAVIT_C_API char* davit_ps(davit_engine* engine, const char* name, davit_error** error);

/* The projects of the machine: [{"name", "working_dir", "files": [...], "containers": {"running": 2}}] */
DAVIT_C_API char* davit_projects(davit_engine* engine, davit_error** error);
/* Has the images of the project's services here, without touching what runs. {"services": [...], "policy":
 * "always|missing|never|policy", "ignore_failures"} */
DAVIT_C_API int davit_pull(davit_engine* engine, const char* project, const char* options, davit_stop* stop,
                           davit_error** error);
/* The history of a project (davit/revisions.hpp), the oldest first: [{"number", "created", "command", "changes": [...],
 * "failed": why not all of it came about}] */
DAVIT_C_API char* davit_revisions(davit_engine* engine, const char* name, davit_error** error);
/* Back to a revision, with the images that it had. {"to": number, else the one before, "wait", "wait_timeout",
 * "timeout"}: {"to", "made": number of the new revision, 0 where nothing changed} */
DAVIT_C_API char* davit_rollback(davit_engine* engine, const char* name, const char* options, davit_stop* stop,
                                 davit_error** error);
/* Starts what is to run after a reboot: [{"project", "started": [containers], "errors": [texts]}] */
DAVIT_C_API char* davit_boot(davit_engine* engine, davit_stop* stop, davit_error** error);

/* What is done to containers that are there. verb: "start" ({"wait", "wait_timeout"}), "stop" and "restart"
 * ({"timeout"}), "kill" ({"signal"}), "pause", "unpause", "rm" of those that have ended ({"stop": first, "volumes":
 * anonymous ones}); each also {"services": [...]}. */
DAVIT_C_API int davit_act(davit_engine* engine, const char* verb, const char* name, const char* options,
                          davit_stop* stop, davit_error** error);

/* stream: 1 output, 2 errors. Not 0: no more is wanted, the process is killed. */
typedef int (*davit_output)(void* user, int stream, const char* bytes, size_t size);
/* One more process in the service's first container. command: {"command": [...], "environment": ["K=V"], "user",
 * "working_dir", "tty", "privileged"} or only the array. output may be NULL. */
DAVIT_C_API int davit_exec(davit_engine* engine, const char* name, const char* service, const char* command,
                           const char* input, size_t input_size, davit_output output, void* user, int* exit_code,
                           davit_stop* stop, davit_error** error);

/* One JSON object a call. Not 0: no more is wanted. */
typedef int (*davit_item)(void* user, const char* json);
/* {"services": [...], "follow", "tail": lines}: {"container", "service", "time", "stream": 1 or 2, "text"} each */
DAVIT_C_API int davit_logs(davit_engine* engine, const char* name, const char* options, davit_item item, void* user,
                           davit_stop* stop, davit_error** error);
/* {"since", "until": ns}: {"time", "type", "action", "id", "project", "attributes": {...}} each; name NULL: of the
 * machine. Without until it blocks until it is stopped. */
DAVIT_C_API int davit_events(davit_engine* engine, const char* name, const char* options, davit_item item, void* user,
                             davit_stop* stop, davit_error** error);
/* [{"running": "web"}, {"healthy": "db"}, {"exited": "job", "code": 0}, {"log_line": "web", "text": "ready"},
 *  {"port": "web", "number": 80}, {"http": "web", "number": 80, "path": "/", "status": 200},
 *  {"command": "db", "words": [...]}]; timeout in seconds, 0: none. */
DAVIT_C_API int davit_wait(davit_engine* engine, const char* name, const char* waits, double timeout, davit_stop* stop,
                           davit_error** error);

/* ---- Files of a service's first container, running or not (davit/files.hpp): copied as `docker cp` does, and as a tar
 * to and from a descriptor. */
DAVIT_C_API int davit_copy_from(davit_engine* engine, const char* name, const char* service, const char* path,
                                const char* to, davit_stop* stop, davit_error** error);
DAVIT_C_API int davit_copy_to(davit_engine* engine, const char* name, const char* service, const char* from,
                              const char* path, davit_stop* stop, davit_error** error);
DAVIT_C_API int davit_read_tar(davit_engine* engine, const char* name, const char* service, const char* path, int fd,
                               davit_stop* stop, davit_error** error);
DAVIT_C_API int davit_write_tar(davit_engine* engine, const char* name, const char* service, const char* path, int fd,
                                davit_stop* stop, davit_error** error);

/* ---- Images (davit/images.hpp). [{"id", "tags": [...], "digests": [...], "os", "architecture", "variant", "created",
 * "size"}] */
DAVIT_C_API char* davit_images(davit_engine* engine, davit_error** error);
/* One more name for an image. */
DAVIT_C_API int davit_image_tag(davit_engine* engine, const char* name, const char* new_name, davit_error** error);
/* {"platform"}. The image, as above. item may be NULL: {"event", "text", "current", "total": bytes} each, from threads
 * of the library's, never two at once; not 0: it is left (DAVIT_INTERRUPTED). */
DAVIT_C_API char* davit_image_pull(davit_engine* engine, const char* name, const char* options, davit_item item,
                                   void* user, davit_stop* stop, davit_error** error);
/* What an archive or an OCI layout at path has; path NULL: an archive from fd. As above, with "references": [...]. */
DAVIT_C_API char* davit_image_load(davit_engine* engine, const char* path, int fd, davit_stop* stop,
                                   davit_error** error);
/* names: ["redis:7", ...]; a tar to fd. */
DAVIT_C_API int davit_image_save(davit_engine* engine, const char* names, int fd, davit_stop* stop,
                                 davit_error** error);
/* {"force", "platform"}: {"untagged": [...], "deleted": [ids]} */
DAVIT_C_API char* davit_image_remove(davit_engine* engine, const char* name, const char* options, davit_error** error);
/* {"all"}: the same, and "bytes" that are free now */
DAVIT_C_API char* davit_image_prune(davit_engine* engine, const char* options, davit_stop* stop, davit_error** error);

/* ---- Streams, for programs with a loop of their own: a descriptor to poll, and what has come, taken without blocking
 * (davit/streams.hpp). A stream is for one thread at a time, and is freed before its engine. */
typedef struct davit_stream davit_stream;
/* {"services": [...], "tail": lines, "from_now", "forever"}: items as of davit_logs; without forever it ends when all
 * containers have. */
DAVIT_C_API davit_stream* davit_log_stream(davit_engine* engine, const char* name, const char* options,
                                           davit_error** error);
/* Options and items as of davit_events. */
DAVIT_C_API davit_stream* davit_event_stream(davit_engine* engine, const char* name, const char* options,
                                             davit_error** error);
/* {"services": [...], "interval": seconds}; name NULL: of all projects. {"container", "service", "cpu_percent", "cpu":
 * ns since its start, "memory", "memory_limit", "block_read", "block_written", "network_received", "network_sent",
 * "pids"} */
DAVIT_C_API davit_stream* davit_stats_stream(davit_engine* engine, const char* name, const char* options,
                                             davit_error** error);
/* Readable while there is something to take, and from the end on; the stream's own, only to be polled. */
DAVIT_C_API int davit_stream_fd(const davit_stream* stream);
/* The next item. NULL: none has come yet, the stream is done, or it failed, which *error tells, once. */
DAVIT_C_API char* davit_stream_next(davit_stream* stream, davit_error** error);
DAVIT_C_API int davit_stream_done(const davit_stream* stream); /* it has ended, and all of it was taken */
DAVIT_C_API void davit_stream_free(davit_stream* stream);

/* ---- Processes whose input comes bit by bit: one more in the service's first container (command: as of davit_exec),
 * which davit_process_free() ends, or the container's own, which goes on (input: not 0 where it is written to). Both
 * come at once; that it cannot run is told by davit_process_next(). For one thread at a time, and freed before its
 * engine. */
typedef struct davit_process davit_process;
DAVIT_C_API davit_process* davit_process_new(davit_engine* engine, const char* name, const char* service,
                                             const char* command, davit_error** error);
DAVIT_C_API davit_process* davit_process_attach(davit_engine* engine, const char* name, const char* service, int input,
                                                davit_error** error);
/* As davit_stream_fd(). */
DAVIT_C_API int davit_process_fd(const davit_process* process);
/* What it wrote next, any *size bytes and a NUL, of *stream (1 or 2). NULL: as of davit_stream_next(). */
DAVIT_C_API char* davit_process_next(davit_process* process, int* stream, size_t* size, davit_error** error);
/* How many bytes were taken: fewer when the pipe is full, until the descriptor is writable (-1: the input is closed).
 */
DAVIT_C_API size_t davit_process_write(davit_process* process, const char* bytes, size_t size, davit_error** error);
DAVIT_C_API int davit_process_input_fd(const davit_process* process);
DAVIT_C_API int davit_process_close_input(davit_process* process, davit_error** error);
DAVIT_C_API int davit_process_signal(davit_process* process, int number, davit_error** error);
DAVIT_C_API int davit_process_resize(davit_process* process, int rows, int columns, davit_error** error);
DAVIT_C_API int davit_process_done(const davit_process* process);
DAVIT_C_API int davit_process_exit_code(const davit_process* process); /* once done; -1: none, it was left */
DAVIT_C_API void davit_process_free(davit_process* process);

/* ---- Scopes: a project that ends with davit_scope_free(), and with this process. options: {"unique",
 * "ephemeral_ports", "adopt", "start", "grace", "up": as of davit_up}. engine: options as of davit_engine_new(). */
typedef struct davit_scope davit_scope;
DAVIT_C_API davit_scope* davit_scope_new(const char* project, const char* options, const char* engine, davit_stop* stop,
                                         davit_error** error);
DAVIT_C_API const char* davit_scope_name(const davit_scope* scope); /* the scope's */
DAVIT_C_API char* davit_scope_ps(davit_scope* scope, davit_error** error);
DAVIT_C_API char* davit_scope_address(davit_scope* scope, const char* service, int port, davit_error** error);
DAVIT_C_API char* davit_scope_url(davit_scope* scope, const char* service, int port, davit_error** error);
DAVIT_C_API char* davit_scope_log(davit_scope* scope, const char* service, davit_error** error);
DAVIT_C_API int davit_scope_wait(davit_scope* scope, const char* waits, double timeout, davit_stop* stop,
                                 davit_error** error);
DAVIT_C_API int davit_scope_exec(davit_scope* scope, const char* service, const char* command, const char* input,
                                 size_t input_size, davit_output output, void* user, int* exit_code, davit_stop* stop,
                                 davit_error** error);
/* Again: after changes from outside, with other options (as of davit_up), or after davit_scope_down(). */
DAVIT_C_API int davit_scope_up(davit_scope* scope, const char* options, davit_stop* stop, davit_error** error);
DAVIT_C_API int davit_scope_down(davit_scope* scope, davit_error** error);    /* its errors are told only here */
DAVIT_C_API int davit_scope_release(davit_scope* scope, davit_error** error); /* the project stays */
DAVIT_C_API void davit_scope_free(davit_scope* scope);

#ifdef __cplusplus
}
#endif
#endif
