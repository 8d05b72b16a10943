// Streams in one loop over poll(2): events, logs and a process with its input, none of which blocks it. Built against
// the installed library alone. The image is loaded by the caller of the test.
#include <davit/in_code.hpp>
#include <davit/logs.hpp>
#include <davit/project_builder.hpp>
#include <davit/scope.hpp>
#include <davit/streams.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <future>
#include <iostream>
#include <poll.h>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace std::chrono_literals;

namespace {

void require_that(bool holds, const std::string& what) {
    if (holds) return;
    std::cerr << "not so: " << what << "\n";
    std::exit(1);
}

bool readable(int fd, std::chrono::milliseconds limit = 0ms, short events = POLLIN) {
    pollfd ready{fd, events, 0};
    return ::poll(&ready, 1, static_cast<int>(limit.count())) == 1;
}

davit::ScopeOptions apart() {
    davit::ScopeOptions options;
    options.unique = true;
    return options;
}

davit::Project ticking() {
    davit::ProjectBuilder b("streams");
    b.service("clock").image("busybox").command(
        {"sh", "-c", "echo early; while ! test -e /go; do sleep 0.05; done; echo late"});
    b.service("stays").image("busybox").command({"sleep", "1000"}).stop_signal("KILL");
    return b.build();
}

// What comes is told by the descriptors alone: one loop for all of them.
void in_one_loop() {
    davit::Engine engine;
    davit::Stream<davit::MachineEvent> events = davit::event_stream(engine, {}, {{"type", "container"}});
    davit::Scope scope = engine.scope(ticking(), apart());
    davit::LogStreamOptions which;
    which.services = {"clock"};
    auto lines = davit::log_stream(engine, scope.name(), which);
    davit::ExecOptions cat;
    cat.command = {"cat"};
    davit::ProcessSession process = davit::exec_session(engine, scope.container("stays"), cat);
    std::string written, said;
    int started = 0, died = 0;
    while (!lines.done() || !process.done() || died < 1) {
        pollfd ready[] = {{died < 1 ? events.fd() : -1, POLLIN, 0},
                          {lines.done() ? -1 : lines.fd(), POLLIN, 0},
                          {process.done() ? -1 : process.fd(), POLLIN, 0}};
        require_that(::poll(ready, 3, 30'000) > 0, "something comes within half a minute");
        while (auto event = events.next()) {
            if (event->project != scope.name()) continue;
            started += event->action == "start";
            died += event->action == "die";
        }
        while (auto entry = lines.next()) {
            require_that(entry->container.service == "clock", "a line has its container");
            written += entry->line.text + "\n";
            if (entry->line.text == "early") {
                require_that(process.write("through\n") == 8, "a process reads what it is given");
                scope.exec("clock", {"touch", "/go"});
            }
        }
        while (auto piece = process.next()) {
            said += piece->text;
            process.close_input();
        }
    }
    require_that(written == "early\nlate\n", "history and what comes, in order: " + written);
    require_that(said == "through\n" && process.exit_code() == 0, "the process has ended: " + said);
    require_that(started == 2 && died == 1, "what happened was told");
    require_that(readable(lines.fd()) && !lines.next(), "the end of a stream stays readable");
    require_that(!readable(events.fd()) && !events.done(), "a stream without news is silent");
}

void processes() {
    davit::Scope scope = davit::Engine().scope(ticking(), apart());
    const auto session = [&](std::vector<std::string> command, bool tty = false) {
        davit::ExecOptions options;
        options.command = std::move(command);
        options.tty = tty;
        return davit::exec_session(scope.engine(), scope.container("stays"), options, {40, 100});
    };
    const auto rest_of = [](davit::ProcessSession& process) {
        std::string out;
        while (!process.done()) {
            require_that(readable(process.fd(), 30s), "a process ends");
            while (auto piece = process.next()) out += piece->text;
        }
        return out;
    };
    auto killed = session({"sleep", "1000"});
    require_that(!killed.exit_code(), "it runs");
    killed.signal(SIGKILL);
    rest_of(killed);
    require_that(killed.exit_code() == 128 + SIGKILL, "it hears signals");

    auto terminal = session({"sh", "-c", "stty size; while read line && [ $line ]; do stty size; done"}, true);
    std::string said;
    while (said.find("40 100") == std::string::npos) {
        require_that(readable(terminal.fd(), 30s), "a terminal says something");
        while (auto piece = terminal.next()) said += piece->text;
    }
    constexpr unsigned short times = 50;
    for (unsigned short i = 0; i < times; ++i) {
        const unsigned short rows = static_cast<unsigned short>(50 + i);
        terminal.resize({rows, 120});
        terminal.write("next\n");
        const std::string size = std::to_string(rows) + " 120";
        for (said.clear(); said.find(" 120") == std::string::npos;) {
            require_that(readable(terminal.fd(), 30s), "a terminal says its size");
            while (auto piece = terminal.next()) said += piece->text;
        }
        require_that(said.find(size) != std::string::npos, "its terminal has the size that was said before");
    }
    terminal.write("\n");
    rest_of(terminal);

    // More than all buffers hold, to somebody who does not take it: nothing is lost, and nobody's memory is filled.
    auto writer = session({"sh", "-c", "head -c 3000000 /dev/zero; echo end >&2"});
    require_that(readable(writer.fd(), 30s), "it writes");
    std::size_t bytes = 0;
    std::string errors;
    while (!writer.done()) {
        readable(writer.fd(), 30s);
        while (auto piece = writer.next()) {
            if (piece->stream == davit::ExecStream::output) bytes += piece->text.size();
            else errors += piece->text;
        }
    }
    require_that(bytes == 3'000'000 && errors == "end\n", "all of it arrives: " + std::to_string(bytes));

    // A reader that does not read: the pipe is full, and writable again when somebody does.
    auto reader = session({"sh", "-c", "while ! test -e /read; do sleep 0.05; done; wc -c"});
    const std::string much(1'000'000, 'x');
    std::size_t taken = 0;
    while (!readable(reader.input_fd(), 300ms, POLLOUT) ? false : taken < much.size())
        taken += reader.write(std::string_view(much).substr(taken));
    require_that(taken > 0 && taken < much.size(), "a full pipe takes no more");
    scope.exec("stays", {"touch", "/read"});
    while (taken < much.size()) {
        require_that(readable(reader.input_fd(), 30s, POLLOUT), "it is writable again");
        taken += reader.write(std::string_view(much).substr(taken));
    }
    reader.close_input();
    require_that(rest_of(reader).find("1000000") != std::string::npos, "all of it was read");

    auto ended = session({"true"});
    rest_of(ended);
    try {
        for (int i = 0; i < 1000; ++i) {
            ended.write("nobody reads this");
            ::usleep(1000);
        }
        require_that(false, "who writes to nobody is told");
    } catch (const davit::Error& e) { // and no signal has come
        require_that(e.kind() == davit::Errc::unavailable, "of a process that is gone");
    }
    auto none = session({"/no/such/program"});
    try {
        rest_of(none);
        require_that(false, "what cannot run is told");
    } catch (const davit::Error& e) {
        require_that(e.exit_code() == 127 && none.done(), "by the stream, once: " + e.describe());
    }
}

// A sample at once and one at each interval, of what is asked for.
void use() {
    davit::Scope scope = davit::Engine().scope(ticking(), apart());
    davit::StatsStreamOptions options;
    options.project = scope.name();
    options.services = {"stays"};
    options.interval = 100ms;
    auto samples = davit::stats_stream(scope.engine(), options);
    std::vector<davit::StatsSample> got;
    while (got.size() < 3) {
        require_that(readable(samples.fd(), 30s), "samples come");
        while (auto sample = samples.next()) got.push_back(std::move(*sample));
    }
    for (const auto& sample : got)
        require_that(sample.container.service == "stays" && sample.stats.memory > 0 && sample.stats.pids == 1,
                     "of the services that are named, with what they use");
    require_that(got[1].stats.taken_ns - got[0].stats.taken_ns >= 90'000'000, "not before the interval is over");
    require_that(got[0].cpu_percent == 0 && got[1].cpu_percent < 50, "one that sleeps uses nothing");

    davit::ExecOptions busy;
    busy.command = {"sh", "-c", "while :; do :; done"};
    auto process = davit::exec_session(scope.engine(), scope.container("stays"), busy);
    for (double most = 0; most < 20;) {
        require_that(readable(samples.fd(), 30s), "samples go on coming");
        while (auto sample = samples.next()) most = std::max(most, sample->cpu_percent);
    }
    options.interval = 0ms;
    try {
        davit::stats_stream(scope.engine(), options);
        require_that(false, "an interval of nothing is refused");
    } catch (const davit::Error& e) {
        require_that(e.kind() == davit::Errc::usage, "as a usage error");
    }
}

// A stream that is left in the middle ends its thread at once, and an exec its process.
void left() {
    davit::Scope scope = davit::Engine().scope(ticking(), apart());
    {
        auto lines = davit::log_stream(scope.engine(), scope.name(), {{}, {}, false, true});
        auto events = davit::event_stream(scope.engine());
        davit::ExecOptions options;
        options.command = {"sh", "-c", "touch /begun; yes"};
        auto endless = davit::exec_session(scope.engine(), scope.container("stays"), options);
        require_that(readable(endless.fd(), 30s), "it writes without end");
        auto moved = std::move(endless);
        require_that(moved.next().has_value(), "a session is moved");
    }
    const auto here = scope.exec(
        "stays", {"sh", "-c", "i=0; while pidof yes && [ $i -lt 100 ]; do sleep 0.1; i=$((i+1)); done; pidof yes"});
    require_that(here.exit_code == 1, "its process is gone: " + here.stdout_text);
}

// What was written before a follower is stopped is passed on, whatever it is busy with at that moment.
void stopped_follower() {
    davit::ProjectBuilder b("followed");
    for (const char* name : {"one", "two"})
        b.service(name)
            .image("busybox")
            .command({"sh", "-c", "echo first; while ! test -e /go; do sleep 0.02; done; echo last; exec sleep 1000"})
            .stop_signal("KILL");
    davit::Scope scope = davit::Engine().scope(b.build(), apart());
    std::promise<void> begun, busy, go_on;
    int firsts = 0;
    std::string last;
    davit::LogSink sink;
    sink.line = [&](const davit::ContainerInfo& container, const davit::LogLine& line) {
        if (line.text == "first" && ++firsts == 2) begun.set_value();
        if (line.text == "last" && container.service == "one") {
            busy.set_value();
            go_on.get_future().wait();
        }
        if (line.text == "last") last = container.service;
    };
    davit::FollowOptions which;
    which.wanted = [](const davit::ContainerInfo&) { return true; };
    davit::LogFollower follower(scope.engine(), scope.name(), sink, which);
    std::stop_source stop;
    std::thread following([&] { follower.run(stop.get_token()); });
    begun.get_future().wait();
    scope.exec("one", {"touch", "/go"});
    busy.get_future().wait();
    scope.exec("two", {"touch", "/go"});
    scope.wait({davit::log_line("two", "last")}, 30s);
    stop.request_stop();
    go_on.set_value();
    following.join();
    require_that(last == "two", "what was written before the stop is passed on");
}

// A container's own process in a loop of somebody's.
void attached() {
    davit::Scope scope(davit::load_string("name: attached\nservices:\n  echo: {image: busybox, stdin_open: true, "
                                          "command: [cat], stop_signal: KILL}\n")
                           .project,
                       apart());
    const auto hear = [](davit::ProcessSession& process, const std::string& what) {
        std::string said;
        while (said.size() < what.size()) {
            require_that(readable(process.fd(), 30s), "it says " + what);
            while (auto piece = process.next()) said += piece->text;
        }
        require_that(said == what, "it says " + what + ", not " + said);
    };
    auto only_hears = davit::attach_session(scope.engine(), scope.container("echo"));
    require_that(only_hears.input_fd() < 0, "without input there is nothing to write to");
    auto process = davit::attach_session(scope.engine(), scope.container("echo"), true);
    require_that(process.write("hallo\n") == 6, "it takes input");
    hear(process, "hallo\n");
    process.detach();
    while (!process.done()) {
        require_that(readable(process.fd(), 30s), "who leaves is done");
        process.next();
    }
    require_that(!process.exit_code(), "and knows no exit code");
    require_that(scope.container("echo").state == davit::ContainerState::running, "the process goes on");
    auto again = davit::attach_session(scope.engine(), scope.container("echo"), true);
    again.write("more\n");
    hear(again, "more\n");
    again.signal(SIGKILL);
    while (!again.done()) {
        require_that(readable(again.fd(), 30s), "it hears signals, and its end is told");
        again.next();
    }
    require_that(again.exit_code() == 128 + SIGKILL, "and its exit code");
}

} // namespace

int main() {
    try {
        in_one_loop();
        processes();
        attached();
        use();
        left();
        stopped_follower();
    } catch (const davit::Error& e) {
        std::cerr << e.describe() << "\n";
        return 1;
    }
    std::cout << "streams do what they say\n";
}
