#include "build/worker.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/process.hpp"
#include "base/programs.hpp"
#include "base/sys.hpp"
#include "base/thread.hpp"
#include "project/store.hpp"
#include "runtime/shim_client.hpp"
#include "supervisor/client/build_protocol.hpp"
#include "supervisor/client/wire.hpp"

#include <csignal>
#include <exception>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace davit::build {

namespace {

using namespace std::chrono_literals;
constexpr auto look_for_stop = 50ms;
constexpr int events_per_turn = 16; // of a step that writes without end; then whether it is still wanted

} // namespace

Worker::Worker(Roots roots)
    : roots_(std::move(roots)), name_(supervisor::build_prefix + sys::random_hex(8)), paths_(roots_, name_) {}

Worker::~Worker() {
    if (socket_) {
        ::shutdown(socket_.get(), SHUT_RDWR); // wakes the receiver; the supervisor sees the end
        return;
    }
    // No supervisor that would clean up; what others are in stays.
    for (const std::string& empty :
         {paths_.run + "/containers", paths_.run, roots_.run + "/projects", std::string(roots_.run)})
        if (::rmdir(empty.c_str()) < 0) break;
}

Worker::StepDirectory::StepDirectory(Worker& worker, const std::string& id) : path_(worker.paths_.run_container(id)) {
    worker.stand_by();
    sys::make_dirs(path_, 0700);
}

Worker::StepDirectory::~StepDirectory() {
    try {
        sys::remove_tree(path_);
    } catch (const Error& e) {
        log::warning("{}", e.describe());
    }
}

void Worker::stand_by() {
    const std::lock_guard hold(mutex_);
    start();
}

// With mutex_ held.
void Worker::start() {
    if (ended_) throw error(Errc::unavailable, "the build's supervisor ended");
    if (socket_) return;
    make_roots(roots_);
    FdPair pair = sys::socket_pair(SOCK_SEQPACKET);
    SpawnOptions o;
    o.argv = {find_program("davit-supervisor"),
              "--build",
              "--project",
              name_,
              "--state-dir",
              roots_.state,
              "--run-dir",
              roots_.run,
              "--client-fd",
              std::to_string(supervisor::build_socket)};
    const UniqueFd null = sys::open("/dev/null", O_RDWR);
    o.fds = {{null.get(), 0}, {null.get(), 1}, {null.get(), 2}, {pair.second.get(), supervisor::build_socket}};
    o.new_session = true;
    const ExitStatus status = Child::spawn(o).wait(); // it forks and ends at once: its successor is nobody's child
    if (status.code != 0)
        throw error(Errc::unavailable, "the build's supervisor could not start: {} ended with status {}", o.argv[0],
                    status.code)
            .with_hint("the program may be damaged or of another davit: reinstall davit");
    socket_ = std::move(pair.first);
    receiver_ = started<std::jthread>([this] { receive(); });
}

void Worker::receive() {
    for (;;) {
        const auto message = sys::receive_with_fds(socket_.get(), supervisor::build_message_limit);
        const std::lock_guard hold(mutex_);
        if (message.eof) {
            ended_ = true;
            changed_.notify_all();
            return;
        }
        const auto parsed = json::Value::parse(message.bytes, nullptr, false);
        if (!parsed.is_object()) continue;
        const auto it = waiting_.find(parsed.value("id", ""));
        if (it == waiting_.end()) continue;
        const std::string type = parsed.value("type", "");
        if (type == "held") it->second.held = true;
        else if (type == "gone") it->second.gone = true;
        else if (auto failure = supervisor::optional_error(parsed, "error")) it->second.failure = std::move(*failure);
        changed_.notify_all();
    }
}

void Worker::send(const std::string& message, const std::vector<int>& fds) {
    if (!sys::send_with_fds(socket_.get(), message, fds))
        throw error(Errc::unavailable, "the build's supervisor is gone");
}

namespace {

// Until the step's end; nullopt: its shim is gone without having told one.
std::optional<StepExit> follow(runtime::ShimConnection& shim, const Worker::Output& output,
                               const std::function<bool()>& unwanted) {
    shim.attach({});
    bool killed = false;
    for (;;) {
        pollfd ready{shim.fd(), POLLIN, 0};
        ::poll(&ready, 1, static_cast<int>(look_for_stop.count()));
        if (unwanted() && !std::exchange(killed, true)) shim.signal(SIGKILL);
        for (int i = 0; i < events_per_turn; ++i) {
            const auto event = shim.receive();
            if (!event) break;
            if (const auto* text = std::get_if<runtime::Output>(&*event)) output(text->stream, text->data);
            if (const auto* end = std::get_if<runtime::Exited>(&*event)) return StepExit{end->code, end->oom};
            if (std::holds_alternative<runtime::Disconnected>(*event)) return std::nullopt;
        }
    }
}

} // namespace

// With mutex_ held. A request to stop kills the step once.
template <typename F>
void Worker::settle(std::unique_lock<std::mutex>& hold, const std::string& id, const std::stop_token& stop, F&& done) {
    bool killed = false;
    while (!done() && !ended_) {
        changed_.wait_for(hold, look_for_stop);
        if (stop.stop_requested() && !std::exchange(killed, true)) kill(id);
    }
}

void Worker::kill(const std::string& id) {
    if (!ended_) send(json::dump({{"type", "kill"}, {"id", id}}), {});
}

StepExit Worker::run(const std::string& id, const std::string& steps, bool network,
                     const std::vector<std::string>& gateway_names, const Output& output, std::stop_token stop) {
    const UniqueFd file = sys::sealed_memfd("davit-steps", steps);
    std::unique_lock hold(mutex_);
    start();
    Waiting& waiting = waiting_[id];
    send(json::dump({{"type", "run"}, {"id", id}, {"network", network}, {"gateway_names", gateway_names}}),
         {file.get()});
    settle(hold, id, stop, [&] { return waiting.held || waiting.failure || waiting.gone; });
    std::optional<StepExit> exit;
    std::exception_ptr failure; // of what reads the output: the step must not go on
    if (waiting.held) {
        hold.unlock();
        try {
            if (auto shim = runtime::ShimConnection::connect(paths_.run_container(id))) {
                exit = follow(*shim, output, [&] {
                    const std::lock_guard look(mutex_);
                    return ended_ || stop.stop_requested(); // nobody else would end it
                });
            }
        } catch (...) {
            failure = std::current_exception();
        }
        hold.lock();
        if (!exit) kill(id);
    }
    settle(hold, id, stop, [&] { return waiting.gone; });
    const Waiting result = std::move(waiting);
    waiting_.erase(id);
    if (failure) std::rethrow_exception(failure);
    if (stop.stop_requested()) throw error(Errc::interrupted, "cancelled");
    if (result.failure) throw *result.failure;
    if (ended_) throw error(Errc::unavailable, "the build's supervisor ended while a step ran");
    if (!exit) throw error(Errc::unavailable, "the step's shim ended before the step did");
    return *exit;
}

} // namespace davit::build
