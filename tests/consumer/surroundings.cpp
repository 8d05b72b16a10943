// What programs do around the library, and arguments that are none: each program is a child of this one, and ends with
// what it says of a Scope of busybox. Built against the installed library alone.
#include <davit/attach.hpp>
#include <davit/containers.hpp>
#include <davit/images.hpp>
#include <davit/in_code.hpp>
#include <davit/project_builder.hpp>
#include <davit/scope.hpp>
#include <davit/streams.hpp>

#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <functional>
#include <iostream>
#include <limits>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

int failures = 0;

void require_that(bool holds, const std::string& what) {
    if (holds) return;
    std::cerr << "not so: " << what << "\n";
    ++failures;
}

davit::Error thrown_by(const std::function<void()>& call) {
    try {
        call();
    } catch (const davit::Error& e) {
        return e;
    }
    return {davit::Errc::failed, "nothing was thrown"};
}

void refused(davit::Errc kind, const std::string& what, const std::function<void()>& call) {
    const davit::Error e = thrown_by(call);
    require_that(e.kind() == kind && std::string(e.what()) != "nothing was thrown", what + ": " + e.describe());
}

davit::Project sleeper(const std::string& name) {
    return davit::load_string("name: " + name +
                              "\nservices: {one: {image: busybox, command: sleep 1000, stop_signal: KILL}}");
}

davit::ScopeOptions apart() {
    davit::ScopeOptions options;
    options.unique = true;
    return options;
}

void all_works(const char* name) {
    davit::Scope scope(sleeper(name), apart());
    scope.wait(davit::running("one"), davit::command("one", {"true"}), 30s);
    const auto out = scope.exec("one", {"sh", "-c", "cat; umask; grep SigIgn /proc/1/status; exit 3"}, "in\n");
    require_that(out.exit_code == 3 && out.stdout_text == "in\n0022\nSigIgn:\t0000000000000000\n",
                 std::string(name) + ": " + out.stdout_text + out.stderr_text);
    scope.down();
    require_that(scope.containers().empty(), "it is down");
}

void ignores_children() {
    for (const int number : {SIGCHLD, SIGPIPE, SIGTERM, SIGHUP}) std::signal(number, SIG_IGN);
    all_works("ignoring");
}

void reaps_all() {
    struct sigaction action {};
    action.sa_handler = [](int) {
        const int kept = errno;
        while (::waitpid(-1, nullptr, WNOHANG) > 0) {}
        errno = kept;
    };
    ::sigaction(SIGCHLD, &action, nullptr);
    all_works("reaping");
}

void blocks_signals() {
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    all_works("blocking");
}

void has_few_descriptors() {
    const rlimit few{64, 64};
    ::setrlimit(RLIMIT_NOFILE, &few);
    all_works("few");
}

void has_no_streams() {
    for (const int fd : {0, 1}) ::close(fd);
    all_works("closed");
}

void lets_nobody_read() {
    ::umask(0777);
    all_works("masked");
}

void stands_nowhere() {
    ::mkdir("/tmp/gone", 0700);
    if (::chdir("/tmp/gone") != 0 || ::rmdir("/tmp/gone") != 0) require_that(false, "the directory is gone");
    all_works("nowhere");
}

void has_a_long_name() {
    davit::Project project = sleeper(std::string(50, 'p'));
    const std::string key(160, 'n'); // longer, with the project's, than the kernel keeps of an interface
    project.networks[key];
    project.service("one").networks = {{key, {}}};
    davit::normalize(project);
    davit::Scope first(project, apart()), second(project, apart());
    require_that(first.exec("one", {"true"}).exit_code == 0 && second.exec("one", {"true"}).exit_code == 0,
                 "names may be long");
}

// A child's copy of a scope says whose it is.
void forks() {
    davit::Scope scope(sleeper("forks"), apart());
    if (const pid_t child = ::fork(); child == 0) {
        scope.down();
        scope.release();
        const davit::Error e = thrown_by([&] { scope.up(); });
        require_that(std::string(e.what()).find(" ends with process ") != std::string::npos, e.describe());
        ::_exit(failures);
    } else {
        int status = 0;
        ::waitpid(child, &status, 0);
        require_that(status == 0, "the child is told");
    }
    require_that(scope.containers().size() == 1, "it is the parent's");
}

// With a state directory of the user's, in which images are kept.
void is_not_root() {
    const int archive = ::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    {
        davit::Engine engine;
        davit::save_images(engine, {"busybox"}, archive);
    }
    ::setenv("HOME", "/tmp/somebody", 1);
    if (::lseek(archive, 0, SEEK_SET) != 0 || ::setgid(65534) != 0 || ::setuid(65534) != 0)
        require_that(false, "the user changes");
    davit::Engine engine;
    require_that(davit::load_images(engine, archive, "archive").size() == 1, "images are for everybody");
    const davit::Project project = sleeper("unprivileged");
    require_that(!engine.plan_up(project).empty(), "and plans");
    const davit::Error up = thrown_by([&] { engine.up(project); });
    const davit::Error scope = thrown_by([&] { davit::Scope s(project, apart()); });
    for (const davit::Error& e : {up, scope})
        require_that(e.kind() == davit::Errc::denied && std::string(e.what()).find("root") != std::string::npos,
                     "it is told who may: " + e.describe());
}

// The stack of a thread does not fit.
void has_no_memory() {
    davit::Engine engine;
    engine.projects();
    std::ifstream sizes("/proc/self/statm");
    rlim_t pages = 0;
    sizes >> pages;
    const rlim_t bytes = pages * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE)) + (1u << 20);
    const rlimit little{bytes, bytes};
    ::setrlimit(RLIMIT_AS, &little);
    const davit::Error e = thrown_by([&] { davit::event_stream(engine); });
    require_that(e.kind() == davit::Errc::failed && e.os().value() == EAGAIN, "no thread is left: " + e.describe());
}

struct OfTheCaller {};

void throws_from_callbacks() {
    davit::Scope scope(sleeper("throws"), apart());
    const davit::ContainerInfo container = scope.container("one");
    davit::ExecOptions cat;
    cat.command = {"cat"};
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0 || ::write(ends[1], "x", 1) != 1) require_that(false, "there is a pipe");
    davit::Session typing, starting, reading;
    typing.input = reading.input = ends[0];
    typing.typed = [](std::string&) -> bool { throw OfTheCaller(); };
    starting.started = [] { throw OfTheCaller(); };
    reading.sink = [](davit::ExecStream, std::string_view) { throw OfTheCaller(); };
    for (davit::Session* session : {&typing, &starting, &reading}) {
        bool caught = false;
        if (session == &reading && ::write(ends[1], "y", 1) != 1) require_that(false, "it is written to");
        try {
            davit::exec(scope.engine(), container, cat, *session);
        } catch (const OfTheCaller&) {
            caught = true;
        }
        require_that(caught, "what a callback throws leaves the call");
    }
    for (const int fd : ends) ::close(fd);
    require_that(scope.exec("one", {"true"}).exit_code == 0, "and that is all");
}

void moves_errors() {
    davit::WaitError wait(true, {{davit::running("one"), "why", "name", {}}});
    const davit::WaitError moved = std::move(wait);
    require_that(moved.unmet().size() == 1 && wait.unmet().size() == 1, "what was moved from stays whole"); // NOLINT
    davit::LoadError load({davit::Diagnostic{}});
    const davit::LoadError after = std::move(load);
    require_that(std::string(davit::LoadError({}).what()).find("wrong") != std::string::npos, "one without findings");
    require_that(after.diagnostics().size() == 1 && load.diagnostics().size() == 1, "that too"); // NOLINT
}

void asks_for_nonsense() {
    using davit::Errc;
    davit::Engine engine;
    const davit::Project project = sleeper("nonsense");
    refused(Errc::usage, "fewer than none", [&] { engine.scale(project, {{"one", -1}}); });
    refused(Errc::usage, "no image to save", [&] { davit::save_images(engine, {}, 1); });
    refused(Errc::usage, "no directory", [&] { davit::save_image_layout(engine, {"busybox"}, ""); });
    refused(Errc::usage, "no image", [&] { davit::create_container(engine, {}); });
    std::stop_source stopped;
    stopped.request_stop();
    refused(Errc::interrupted, "a run that is left before it began", [&] {
        davit::RunOptions run;
        run.service = "one";
        engine.run(project, run, stopped.get_token());
    });
    refused(Errc::interrupted, "a scale that is left before it began", [&] {
        engine.scale(project, {{"one", 2}}, false, stopped.get_token());
    });
    require_that(engine.projects().empty(), "what did not begin leaves nothing");
    davit::ProjectBuilder builder("with");
    builder.service("a").image("x").with({});
    davit::Scope scope(project, apart());
    davit::Wait none;
    none.service = "one";
    none.kind = static_cast<davit::Wait::Kind>(99);
    const std::vector<std::pair<const char*, davit::Wait>> waits = {
        {"a kind that is none", none},
        {"a path with a line end", davit::http("one", 80, "/x\r\nHost: y")},
        {"a path that is none", davit::http("one", 80, "x")},
        {"an expression that ends early", davit::log_line("one", std::string("a\0(", 3))},
    };
    for (const auto& [what, wait] : waits) refused(Errc::usage, what, [&, one = wait] { scope.wait({one}, 10s); });
    bool unmet = false;
    try {
        scope.wait(davit::log_line("one", "never"), 50ms);
    } catch (const davit::WaitError& e) {
        unmet = true;
        require_that(e.unmet().at(0).why == "has not written one yet", e.describe());
    }
    require_that(unmet, "a line that never comes");
    refused(Errc::interrupted, "a limit that never comes", [&] {
        std::stop_source soon;
        const std::jthread later([&] {
            ::usleep(50'000);
            soon.request_stop();
        });
        scope.wait({davit::exited("one")}, std::chrono::nanoseconds::max(), soon.get_token());
    });
}

} // namespace

int main() {
    const std::vector<std::pair<const char*, void (*)()>> programs = {
        {"SIGCHLD is ignored", ignores_children},
        {"a handler waits for all children", reaps_all},
        {"all signals are blocked", blocks_signals},
        {"64 descriptors", has_few_descriptors},
        {"no standard streams", has_no_streams},
        {"umask 777", lets_nobody_read},
        {"the working directory is gone", stands_nowhere},
        {"a long name", has_a_long_name},
        {"a fork", forks},
        {"another user", is_not_root},
        {"no memory for a thread", has_no_memory},
        {"callbacks that throw", throws_from_callbacks},
        {"errors that are moved", moves_errors},
        {"arguments that are none", asks_for_nonsense},
    };
    for (const auto& [name, program] : programs) {
        const pid_t child = ::fork();
        if (child == 0) {
            failures = 0;
            try {
                program();
            } catch (const std::exception& e) {
                const auto* ours = dynamic_cast<const davit::Error*>(&e);
                std::cerr << (ours ? ours->describe() : e.what()) << "\n";
                ++failures;
            }
            std::cerr.flush();
            ::_exit(failures == 0 ? 0 : 1);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        if (status == 0) continue;
        std::cerr << "a program does not do what it should: " << name << "\n";
        ++failures;
    }
    davit::Engine engine;
    require_that(engine.all_containers().empty(), "nothing is left");
    return failures == 0 ? 0 : 1;
}
