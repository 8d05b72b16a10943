// A container's own stdin, stdout and stderr, by its shim.
#include "davit/attach.hpp"

#include "base/error.hpp"
#include "engine/attach/control.hpp"
#include "engine/attach/quiet_write.hpp"
#include "engine/events/record.hpp"
#include "engine/roots.hpp"
#include "engine/shim_of.hpp"
#include "project/store.hpp"

#include <cerrno>
#include <poll.h>
#include <unistd.h>

namespace davit {

namespace {

constexpr std::size_t most_input = 16384; // read at once; a shim takes at most 32 KiB
constexpr int events_per_turn = 16;       // of a container that writes without end; then what is asked of the session

class AttachRun {
public:
    AttachRun(runtime::ShimConnection shim, const ContainerInfo& container, const Session& session)
        : shim_(std::move(shim)), container_(container), session_(session), requests_(session.control.requests()),
          output_(session.output), errors_(session.errors), input_open_(session.input >= 0) {}

    std::optional<int> run(const std::stop_token& stop) {
        runtime::AttachRequest request;
        request.input = input_open_;
        request.rows = session_.size.rows;
        request.columns = session_.size.columns;
        shim_.attach(request);
        if (session_.started) session_.started();
        const std::stop_callback on_stop(stop, [this] { requests_.wake(); });
        for (;;) {
            for (int i = 0; i < events_per_turn; ++i) {
                auto event = shim_.receive();
                if (!event) break;
                if (auto code = handle(*event)) return code;
            }
            if (!turn()) return std::nullopt;
            if (stop.stop_requested()) throw error(Errc::interrupted, "interrupted");
        }
    }

private:
    // The exit code, when it has ended.
    std::optional<int> handle(runtime::ShimEvent& event) {
        if (auto* output = std::get_if<runtime::Output>(&event)) show(*output);
        else if (auto* exited = std::get_if<runtime::Exited>(&event)) return exited->code;
        else if (auto* failed = std::get_if<runtime::StartFailed>(&event)) throw failed->error;
        else if (std::holds_alternative<runtime::Disconnected>(event))
            throw error(Errc::unavailable, "the connection to container {} was lost", container_.name);
        return std::nullopt;
    }

    void show(const runtime::Output& output) {
        const ExecStream stream = output.stream == 2 ? ExecStream::errors : ExecStream::output;
        int& to = stream == ExecStream::errors ? errors_ : output_;
        if (to >= 0) {
            if (!write_all_quietly(to, output.data)) to = nobody_reads;
        } else if (to != nobody_reads && session_.sink) {
            session_.sink(stream, output.data);
        }
    }

    // Waits for something and handles what is not the shim's. false: the session is left.
    bool turn() {
        pollfd fds[] = {{shim_.fd(), static_cast<short>(POLLIN | (pending_.empty() ? 0 : POLLOUT)), 0},
                        {requests_.fd(), POLLIN, 0},
                        {input_open_ && pending_.empty() ? session_.input : -1, POLLIN, 0}};
        if (::poll(fds, 3, -1) < 0) return true;
        if (fds[1].revents) {
            const SessionControl::Requests::Taken asked = requests_.take();
            for (const int signal : asked.signals) shim_.signal(signal);
            if (asked.size && container_.tty) shim_.resize(asked.size->rows, asked.size->columns);
            if (asked.detach) return false;
        }
        if (fds[2].revents) read_input();
        if (!pending_.empty() && shim_.send_input(pending_)) pending_.clear();
        if (!input_open_ && pending_.empty() && !closed_) {
            closed_ = true;
            if (session_.input >= 0) shim_.close_input();
        }
        return !left_;
    }

    void read_input() {
        char buffer[most_input];
        const ssize_t n = ::read(session_.input, buffer, sizeof buffer);
        if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
        if (n <= 0) {
            input_open_ = false;
            return;
        }
        pending_.assign(buffer, static_cast<std::size_t>(n));
        if (session_.typed) left_ = !session_.typed(pending_);
    }

    static constexpr int nobody_reads = -2;
    runtime::ShimConnection shim_;
    const ContainerInfo& container_;
    const Session& session_;
    SessionControl::Requests& requests_;
    int output_, errors_;
    std::string pending_; // read, and not yet taken by the shim
    bool input_open_, closed_ = false, left_ = false;
};

} // namespace

std::optional<int> attach(Engine& engine, const ContainerInfo& container, const Session& session,
                          std::stop_token stop) {
    const Roots roots = roots_of(engine);
    AttachRun run(connect_to_shim(roots, container.project, container.id, stop), container, session);
    ContainerInfo whole = container; // who attaches may know its id alone
    if (const auto record = RecordStore(roots).container(container.project, container.id)) {
        whole.image = record->image;
        whole.name = record->name;
        whole.labels = record->labels;
    }
    record_event(roots, whole, "attach"); // before a start that waits for it
    return run.run(stop);
}

} // namespace davit
