/* The C header from C: everything that it declares, on a project of busybox. */
#define _POSIX_C_SOURCE 200809L
#include <davit/davit.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static davit_error* error;

static void require_that(int holds, const char* what) {
    if (holds) return;
    fprintf(stderr, "not so: %s\n", what);
    if (error) fprintf(stderr, "%s\n%s\n", davit_error_describe(error), davit_error_json(error));
    exit(1);
}

static void forget_error(void) {
    davit_error_free(error);
    error = NULL;
}

static int collect(void* user, int stream, const char* bytes, size_t size) {
    char* to = user;
    if (stream == 1 && strlen(to) + size < 200) strncat(to, bytes, size);
    return 0;
}

static int first_item(void* user, const char* json) {
    char* to = user;
    if (!*to) snprintf(to, 1000, "%s", json);
    return 1;
}

static int no_more(void* user, int stream, const char* bytes, size_t size) {
    (void)user, (void)stream, (void)bytes, (void)size;
    return 1;
}

static const char* const compose =
    "{\"project_name\": \"plain\", \"texts\": [{\"name\": \"compose.yaml\", \"text\": "
    "\"services: {one: {image: busybox, command: sh -c 'echo ready; exec httpd -f -p 80', ports: ['80'], stop_signal: "
    "KILL}}\"},"
    "{\"name\": \"over.yaml\", \"text\": \"services: {one: {environment: {WORD: said}}}\"}]}";

static void errors(void) {
    require_that(!davit_load("{\"project_name\": \"wrong\", \"texts\": [{\"name\": \"a.yaml\", \"text\": \"services: "
                             "{a: {imgae: x}}\"}]}",
                             &error),
                 "a wrong project is refused");
    require_that(davit_error_kind(error) == DAVIT_INVALID_PROJECT, "by its kind");
    require_that(strstr(davit_error_json(error), "\"path\":\"services.a.imgae\"") != NULL, "with its diagnostics");
    forget_error();
    require_that(!davit_load("{\"nonsense\": 1}", &error) && davit_error_kind(error) == DAVIT_USAGE,
                 "an unknown option");
    forget_error();
    require_that(!davit_load("{", NULL), "an error that nobody wants");
    require_that(davit_up(NULL, "{}", NULL, NULL, &error) == DAVIT_USAGE, "no engine");
    forget_error();
    require_that(davit_error_kind(NULL) == DAVIT_OK, "no error has no kind");
    require_that(!davit_engine_new("{\"keep_free\": -1}", &error) && davit_error_kind(error) == DAVIT_USAGE,
                 "a number that is less than nothing");
    forget_error();
    require_that(!davit_engine_new("{\"parallel\": true}", &error) && davit_error_kind(error) == DAVIT_USAGE,
                 "a number that is none");
    forget_error();
}

/* The first item of a stream that has the text, by poll(2). */
static void comes(davit_stream* stream, const char* text, const char* what) {
    struct pollfd ready;
    char* item;
    int found = 0;
    require_that(stream != NULL, what);
    ready.fd = davit_stream_fd(stream);
    ready.events = POLLIN;
    while (!found && !davit_stream_done(stream)) {
        require_that(poll(&ready, 1, 20000) == 1, what);
        while (!found && (item = davit_stream_next(stream, &error)) != NULL) {
            found = strstr(item, text) != NULL;
            davit_free(item);
        }
        require_that(error == NULL, what);
    }
    require_that(found, what);
    davit_stream_free(stream);
}

static void streams(davit_engine* engine) {
    comes(davit_log_stream(engine, "plain", "{\"services\": [\"one\"]}", &error), "\"text\":\"ready\"", "lines stream");
    comes(davit_event_stream(engine, "plain", "{\"since\": 0}", &error), "\"action\":\"create\"", "events stream");
    comes(davit_stats_stream(engine, "plain", "{\"interval\": 0.1}", &error), "\"memory\":", "samples stream");
    require_that(davit_stats_stream(engine, "plain", "{\"interval\": \"x\"}", &error) == NULL,
                 "a bad interval is none");
    forget_error();
    require_that(davit_stream_fd(NULL) == -1 && davit_stream_done(NULL) == 1, "no stream is one that has ended");
}

/* A process whose input comes while it runs. */
static void process(davit_engine* engine) {
    char said[100] = "";
    struct pollfd ready;
    int stream = 0;
    size_t size = 0;
    davit_process* p = davit_process_new(engine, "plain", "one", "[\"sort\"]", &error);
    require_that(p != NULL, "a process begins");
    require_that(davit_process_write(p, "b\n", 2, &error) == 2 && davit_process_write(p, "a\n", 2, &error) == 2,
                 "it takes its input");
    require_that(davit_process_input_fd(p) >= 0 && davit_process_close_input(p, &error) == DAVIT_OK, "and its end");
    ready.fd = davit_process_fd(p);
    ready.events = POLLIN;
    while (!davit_process_done(p)) {
        char* piece;
        require_that(poll(&ready, 1, 20000) == 1, "it says something");
        while ((piece = davit_process_next(p, &stream, &size, &error)) != NULL) {
            require_that(stream == 1 && strlen(said) + size < sizeof said, "of its output");
            strncat(said, piece, size);
            davit_free(piece);
        }
    }
    require_that(strcmp(said, "a\nb\n") == 0 && davit_process_exit_code(p) == 0, "what it was given, sorted");
    davit_process_free(p);
    p = davit_process_new(engine, "plain", "one", "[\"sleep\", \"1000\"]", &error);
    require_that(davit_process_signal(p, 1000, &error) == DAVIT_USAGE, "a signal that is none");
    forget_error();
    davit_process_free(p);
    require_that(davit_process_fd(NULL) == -1 && davit_process_done(NULL) == 1 && davit_process_exit_code(NULL) == -1,
                 "no process is one that was left");
    p = davit_process_attach(engine, "plain", "one", 0, &error);
    require_that(p != NULL && davit_process_resize(p, 24, 80, &error) == DAVIT_OK, "its own process is attached to");
    davit_process_free(p);
}

static void files(davit_engine* engine) {
    char back[20] = "";
    FILE* file = fopen("/tmp/plain-file", "w");
    require_that(file && fputs("carried", file) >= 0 && fclose(file) == 0, "there is a file");
    require_that(davit_copy_to(engine, "plain", "one", "/tmp/plain-file", "/carried", NULL, &error) == DAVIT_OK,
                 "it goes in");
    require_that(davit_copy_from(engine, "plain", "one", "/carried", "/tmp/plain-back", NULL, &error) == DAVIT_OK,
                 "and comes out");
    file = fopen("/tmp/plain-back", "r");
    require_that(file && fgets(back, sizeof back, file) && strcmp(back, "carried") == 0, "as it was");
    fclose(file);
    file = tmpfile();
    require_that(davit_read_tar(engine, "plain", "one", "/carried", fileno(file), NULL, &error) == DAVIT_OK &&
                     lseek(fileno(file), 0, SEEK_SET) == 0 &&
                     davit_write_tar(engine, "plain", "one", "/tmp", fileno(file), NULL, &error) == DAVIT_OK,
                 "also as a tar");
    fclose(file);
    require_that(davit_copy_from(engine, "plain", "one", "/none", "/tmp/x", NULL, &error) == DAVIT_NOT_FOUND,
                 "what is not there");
    forget_error();
}

static void images(davit_engine* engine) {
    char* text = davit_images(engine, &error);
    FILE* file = tmpfile();
    require_that(text && strstr(text, "\"busybox:latest\""), "there is an image");
    davit_free(text);
    require_that(davit_image_save(engine, "[\"busybox\"]", fileno(file), NULL, &error) == DAVIT_OK &&
                     lseek(fileno(file), 0, SEEK_SET) == 0,
                 "it is saved");
    text = davit_image_load(engine, NULL, fileno(file), NULL, &error);
    require_that(text && strstr(text, "\"references\":[\"busybox:latest\"]"), "and loaded");
    davit_free(text);
    fclose(file);
    require_that(!davit_image_remove(engine, "busybox", NULL, &error) && davit_error_kind(error) == DAVIT_CONFLICT,
                 "a container has it");
    forget_error();
    require_that(!davit_image_pull(engine, "127.0.0.1:1/none:1", NULL, NULL, NULL, NULL, &error) &&
                     davit_error_kind(error) == DAVIT_UNAVAILABLE,
                 "no registry");
    forget_error();
    require_that(davit_image_tag(engine, "busybox", "carried:1", &error) == DAVIT_OK, "it gets a name");
    text = davit_image_remove(engine, "carried:1", NULL, &error);
    require_that(text && strstr(text, "\"untagged\":[\"carried:1\"]"), "and loses it");
    davit_free(text);
    text = davit_image_prune(engine, "{\"all\": false}", NULL, &error);
    require_that(text && strstr(text, "\"bytes\":"), "the others may go");
    davit_free(text);
}

static void verbs(davit_engine* engine) {
    require_that(davit_act(engine, "pause", "plain", NULL, NULL, &error) == DAVIT_OK &&
                     davit_act(engine, "unpause", "plain", NULL, NULL, &error) == DAVIT_OK &&
                     davit_act(engine, "stop", "plain", "{\"services\": [\"one\"], \"timeout\": 1}", NULL, &error) ==
                         DAVIT_OK &&
                     davit_act(engine, "start", "plain", "{\"wait\": true}", NULL, &error) == DAVIT_OK &&
                     davit_act(engine, "restart", "plain", NULL, NULL, &error) == DAVIT_OK,
                 "it is stopped and started");
    require_that(davit_act(engine, "pause", "plain", "{\"timeout\": 1}", NULL, &error) == DAVIT_USAGE,
                 "another verb's option");
    forget_error();
    require_that(davit_act(engine, "dance", "plain", NULL, NULL, &error) == DAVIT_USAGE, "a verb that is none");
    forget_error();
}

static void project(davit_engine* engine, const char* loaded) {
    char said[1000] = "", item[1000] = "";
    int code = -1;
    char* list;
    davit_stop* stop = davit_stop_new();
    require_that(davit_up(engine, loaded, "{\"wait\": true}", NULL, &error) == DAVIT_OK, "it comes up");
    list = davit_ps(engine, "plain", &error);
    require_that(list && strstr(list, "\"state\":\"running\""), "it runs");
    davit_free(list);
    require_that(davit_wait(engine, "plain",
                            "[{\"port\": \"one\", \"number\": 80}, {\"log_line\": \"one\", \"text\": \"ready\"}]", 60,
                            NULL, &error) == DAVIT_OK,
                 "it is ready");
    require_that(davit_wait(engine, "plain", "[{\"exited\": \"one\"}]", 0.1, NULL, &error) == DAVIT_FAILED,
                 "what does not come is an error");
    require_that(strstr(davit_error_json(error), "\"timed_out\":true") != NULL, "that says so");
    forget_error();
    require_that(davit_exec(engine, "plain", "one", "[\"sh\", \"-c\", \"cat; echo $WORD; exit 4\"]", "in ", 3, collect,
                            said, &code, NULL, &error) == DAVIT_OK,
                 "a command runs");
    require_that(code == 4 && strcmp(said, "in said\n") == 0, "with its streams");
    require_that(davit_exec(engine, "plain", "one", "[\"yes\"]", NULL, 0, no_more, NULL, &code, NULL, &error) ==
                     DAVIT_OK,
                 "who wants no more ends it");
    require_that(davit_logs(engine, "plain", "{\"follow\": true}", first_item, item, NULL, &error) == DAVIT_OK,
                 "it has a log");
    require_that(strstr(item, "\"text\":\"ready\"") != NULL, "with its line");
    *item = 0;
    require_that(davit_events(engine, "plain", "{\"since\": 0}", first_item, item, NULL, &error) == DAVIT_OK,
                 "it has events");
    require_that(strstr(item, "\"action\":\"create\"") != NULL, "from the first one");
    streams(engine);
    process(engine);
    files(engine);
    images(engine);
    verbs(engine);
    davit_stop_request(stop);
    require_that(davit_wait(engine, "plain", "[{\"exited\": \"one\"}]", 0, stop, &error) == DAVIT_INTERRUPTED,
                 "it is left");
    forget_error();
    davit_stop_free(stop);
    require_that(davit_down(engine, "plain", "{\"volumes\": true}", NULL, &error) == DAVIT_OK, "it goes down");
}

/* What an updater does: images first, and back to what was there before. */
static void history(davit_engine* engine, const char* loaded) {
    char* text;
    require_that(davit_pull(engine, loaded, "{\"policy\": \"never\"}", NULL, &error) == DAVIT_OK,
                 "its images are here");
    require_that(davit_up(engine, loaded, NULL, NULL, &error) == DAVIT_OK &&
                     davit_up(engine, loaded, "{\"scale\": {\"one\": 2}}", NULL, &error) == DAVIT_OK,
                 "it comes up, and becomes more");
    text = davit_revisions(engine, "plain", &error);
    require_that(text && strstr(text, "\"number\":2") && strstr(text, "\"command\":\"up\""), "it has a history");
    davit_free(text);
    text = davit_rollback(engine, "plain", "{\"wait\": true, \"wait_timeout\": 60}", NULL, &error);
    require_that(text && strstr(text, "\"to\":1"), "it goes back");
    davit_free(text);
    text = davit_projects(engine, &error);
    require_that(text && strstr(text, "\"name\":\"plain\"") && strstr(text, "\"running\":1"), "as it was");
    davit_free(text);
    text = davit_boot(engine, NULL, &error);
    require_that(text && strstr(text, "\"started\":[]"), "there is nothing to start");
    davit_free(text);
    require_that(!davit_rollback(engine, "plain", "{\"to\": 99}", NULL, &error) &&
                     davit_error_kind(error) == DAVIT_NOT_FOUND,
                 "a revision that nobody made");
    forget_error();
    require_that(davit_down(engine, "plain", "{\"volumes\": true}", NULL, &error) == DAVIT_OK, "it goes down");
}

static void scope(const char* loaded) {
    char said[1000] = "", *text;
    int code = -1;
    davit_scope* s = davit_scope_new(loaded, "{\"unique\": true, \"ephemeral_ports\": true}", NULL, NULL, &error);
    require_that(s != NULL, "a scope is made");
    require_that(strncmp(davit_scope_name(s), "plain-", 6) == 0, "with a name of its own");
    require_that(davit_scope_wait(s, "[{\"http\": \"one\", \"number\": 80, \"path\": \"/none\", \"status\": 404}]", 60,
                                  NULL, &error) == DAVIT_OK,
                 "its service answers");
    text = davit_scope_url(s, "one", 80, &error);
    require_that(text && strncmp(text, "http://127.0.0.1:", 17) == 0, "it has a url");
    davit_free(text);
    text = davit_scope_log(s, "one", &error);
    require_that(text && strcmp(text, "ready\n") == 0, "it has a log");
    davit_free(text);
    require_that(!davit_scope_address(s, "one", 70000, &error), "a port that is none");
    forget_error();
    require_that(davit_scope_exec(s, "one", "[\"echo\", \"inside\"]", NULL, 0, collect, said, &code, NULL, &error) ==
                         DAVIT_OK &&
                     code == 0 && strcmp(said, "inside\n") == 0,
                 "it runs a command");
    require_that(davit_scope_down(s, &error) == DAVIT_OK, "it goes down");
    text = davit_scope_ps(s, &error);
    require_that(text && strcmp(text, "[]") == 0, "with all of it");
    davit_free(text);
    require_that(davit_scope_up(s, NULL, NULL, &error) == DAVIT_OK, "and comes up again");
    text = davit_scope_ps(s, &error);
    require_that(text && strstr(text, "\"state\":\"running\""), "and runs");
    davit_free(text);
    davit_scope_free(s);
}

int main(void) {
    davit_engine* engine;
    char *loaded, *left;
    require_that(davit_c_abi() == DAVIT_C_ABI, "the header is the library's");
    errors();
    engine = davit_engine_new(NULL, &error);
    require_that(engine != NULL, "there is an engine");
    loaded = davit_load(compose, &error);
    require_that(loaded && strstr(loaded, "\"WORD\":\"said\""), "texts are merged");
    project(engine, loaded);
    history(engine, loaded);
    scope(loaded);
    left = davit_ps(engine, NULL, &error);
    require_that(left && strcmp(left, "[]") == 0, "nothing is left");
    davit_free(left);
    davit_free(loaded);
    davit_engine_free(engine);
    printf("davit %s from C\n", davit_version_text());
    return 0;
}
