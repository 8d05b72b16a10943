#include "supervisor/build/build_supervisor.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/programs.hpp"
#include "base/sys.hpp"
#include "runtime/cgroup.hpp"
#include "runtime/host_facts.hpp"
#include "supervisor/client/build_protocol.hpp"
#include "supervisor/client/wire.hpp"
#include "supervisor/daemon.hpp"

#include <csignal>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace davit::supervisor {

namespace {

using namespace std::chrono_literals;
constexpr auto end_limit = 10s; // for shims to end after their containers were killed
constexpr int most_failures = 1000;

} // namespace

BuildSupervisor::BuildSupervisor(const Roots& roots, const std::string& build, UniqueFd client)
    : roots_(roots), build_(build), paths_(roots, build), client_(std::move(client)), reaper_(loop_),
      network_(roots, build), shim_path_(find_program("davit-shim")) {
    client_watch_ = loop_.watch_fd(client_.get(), EPOLLIN, [this](std::uint32_t) { on_client(); });
    terminate_ = loop_.watch_signal(SIGTERM, [this](int) { client_gone(); });
    shim_exe_ = runtime::sealed_copy(shim_path_);
    nursery_.prepare(shim_exe_.get());
}

// Nobody else would end what runs: a client that takes no messages, or a shim that says what is none, ends the build.
void BuildSupervisor::run() {
    for (int failures = 0; failures < most_failures; ++failures) try {
            loop_.run();
            break;
        } catch (const Error& e) {
            log::warning("the build ends: {}", e.describe());
            client_gone();
            if (steps_.empty()) break;
        }
    clean_up();
}

void BuildSupervisor::on_client() {
    for (;;) {
        auto message = sys::receive_with_fds(client_.get(), build_message_limit, MSG_DONTWAIT);
        if (message.would_block) return;
        if (message.eof) return client_gone();
        std::string id;
        try {
            const json::Value request = json::parse_text(message.bytes);
            id = request.at("id").get<std::string>();
            const std::string type = request.at("type").get<std::string>();
            if (type == "kill") kill(id);
            else if (type == "run" && message.fds.size() == 1)
                start(id, request.at("network").get<bool>(),
                      request.at("gateway_names").get<std::vector<std::string>>(), std::move(message.fds[0]));
            else throw error(Errc::failed, "a build's request is malformed");
        } catch (const Error& e) {
            tell("failed", id, &e);
            ended(id);
        } catch (const json::Value::exception& e) {
            log::warning("a build's request: {}", e.what());
            return client_gone();
        }
    }
}

// The bridge's subnet is chosen when the first step needs it: only here its gateway is known.
void BuildSupervisor::add_gateway(const std::string& directory, const std::vector<std::string>& names) {
    std::string lines;
    for (const std::string& name : names) lines += network_.gateway().to_string() + '\t' + name + '\n';
    const UniqueFd hosts = sys::open(directory + "/hosts", O_WRONLY | O_APPEND | O_NOFOLLOW);
    sys::write_all(hosts.get(), lines);
}

void BuildSupervisor::start(const std::string& id, bool network, const std::vector<std::string>& gateway_names,
                            UniqueFd steps) {
    const std::string directory = paths_.run_container(id); // its path is made of hex digits, or refused here
    check_name("step", id);
    sys::make_dirs(directory, 0700);
    auto step = std::make_unique<Step>();
    step->network = network;
    Step& it = *(steps_[id] = std::move(step));
    UniqueFd netns;
    if (network) netns = network_.connect(id);
    if (network && !gateway_names.empty()) add_gateway(directory, gateway_names);
    runtime::ShimStart start;
    start.shim_path = shim_path_;
    start.shim_exe = shim_exe_.get();
    start.id = id;
    start.run_dir = directory;
    start.log.driver = runtime::ShimLog::Driver::none;
    start.steps_fd = steps.get();
    start.net_ns = netns ? netns.get() : -1;
    start.hold_for_attach = true;
    it.shim = nursery_.start(start);
    it.watch = loop_.watch_fd(it.shim.fd(), EPOLLIN, [this, id](std::uint32_t) { on_shim(id); });
}

void BuildSupervisor::on_shim(const std::string& id) {
    for (;;) {
        const auto it = steps_.find(id);
        if (it == steps_.end()) return;
        auto event = it->second->shim.receive();
        if (!event) return;
        if (std::holds_alternative<runtime::Held>(*event)) {
            if (ending_) it->second->shim.signal(SIGKILL);
            tell("held", id);
        } else if (const auto* failed = std::get_if<runtime::StartFailed>(&*event)) {
            tell("failed", id, &failed->error);
        } else if (std::holds_alternative<runtime::Disconnected>(*event)) {
            return ended(id);
        }
    }
}

void BuildSupervisor::ended(const std::string& id) {
    const auto it = steps_.find(id);
    if (it == steps_.end()) return tell("gone", id);
    if (it->second->network) network_.disconnect(id);
    steps_.erase(it);
    // A shim that was killed leaves its container: nothing of a step may stay.
    const runtime::HostFacts host = runtime::HostFacts::probe();
    const std::string group = "davit/" + build_ + "/" + id;
    if (!runtime::cgroup_processes(host, group).empty()) runtime::cgroup_kill(host, group);
    runtime::remove_cgroup(host, group);
    try {
        sys::remove_tree(paths_.run_container(id));
    } catch (const Error& e) {
        log::warning("{}", e.what());
    }
    tell("gone", id);
    if (ending_ && steps_.empty()) loop_.stop();
}

void BuildSupervisor::kill(const std::string& id) {
    if (const auto it = steps_.find(id); it != steps_.end()) it->second->shim.signal(SIGKILL);
}

void BuildSupervisor::client_gone() {
    if (std::exchange(ending_, true)) return;
    client_watch_.reset();
    if (steps_.empty()) return loop_.stop();
    const runtime::HostFacts host = runtime::HostFacts::probe();
    for (const auto& [id, step] : steps_) {
        step->shim.signal(SIGKILL);
        runtime::cgroup_kill(host, "davit/" + build_ + "/" + id); // a shim that is stopped does not hear
    }
    give_up_ = loop_.after(end_limit, [this] { loop_.stop(); });
}

void BuildSupervisor::tell(const std::string& type, const std::string& id, const Error* error) {
    json::Value message{{"type", type}, {"id", id}};
    if (error) message["error"] = error_to_json(*error);
    sys::send_with_fds(client_.get(), json::dump(message), {}, MSG_DONTWAIT);
}

void BuildSupervisor::clean_up() {
    nursery_.stop();
    ErrorList errors;
    errors.run([&] { network_.close(); });
    const runtime::HostFacts host = runtime::HostFacts::probe();
    runtime::remove_cgroup(host, "davit/" + build_);
    runtime::remove_empty_cgroup(host, "davit");
    errors.run([&] { sys::remove_tree(paths_.run_containers()); });
    remove_run_files(roots_, paths_);
    errors.throw_if_any();
}

} // namespace davit::supervisor
