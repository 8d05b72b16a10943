// Networks: what other projects have on networks that they share with this one.
#include "base/error.hpp"
#include "base/log.hpp"
#include "supervisor/network/networks.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <sys/epoll.h>
#include <sys/inotify.h>

namespace davit::supervisor {

namespace {
constexpr std::chrono::milliseconds foreign_interval{1000};
}

void Networks::watch_foreign(const std::string& network) {
    for (const auto& [wd, name] : watched_)
        if (name == network) return;
    int wd = !open_inotify() ? -1
                             : ::inotify_add_watch(inotify_.get(), endpoints_dir(store_.roots(), network).c_str(),
                                                   IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE);
    if (wd >= 0) {
        watched_[wd] = network;
        unwatched_.erase(network);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOSPC || errno == ENOMEM) {
        if (!std::exchange(unwatched_told_, true))
            log::warning("what other projects do on shared networks is looked at once a second: {}",
                         std::strerror(errno));
        unwatched_.insert(network);
        if (!look_again_) look_again_ = loop_.after(foreign_interval, [this] { look_at_foreign(); });
    } else return; // our own file is written first, so the directory is there
    read_foreign(network);
}

bool Networks::open_inotify() {
    if (inotify_) return true;
    inotify_.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!inotify_) return false;
    inotify_watch_ = loop_.watch_fd(inotify_.get(), EPOLLIN, [this](std::uint32_t) { on_inotify(); });
    return true;
}

void Networks::look_at_foreign() {
    look_again_.reset();
    for (const auto& network : std::exchange(unwatched_, {})) try {
            watch_foreign(network); // perhaps there is one again
        } catch (const Error&) {
            unwatched_.insert(network);
        }
    if (!unwatched_.empty() && !look_again_) look_again_ = loop_.after(foreign_interval, [this] { look_at_foreign(); });
}

void Networks::read_foreign(const std::string& network) {
    auto& others = foreign_[network] = supervisor::read_foreign(store_.roots(), network, project_);
    std::vector<net::dns::NamedEndpoint> all;
    for (auto& [project, other] : others) {
        all.insert(all.end(), other.endpoints.begin(), other.endpoints.end());
        other.endpoints.clear();
    }
    registry_.replace_network(network, "others", std::move(all));
    set_clients(network);
    AppliedChanges now;
    std::set<net::IpAddress> leaving, fresh;
    for (const auto& [project, other] : others) {
        if (other.change != 0) now[project] = other.change;
        leaving.insert(other.leaving.begin(), other.leaving.end());
    }
    auto& seen = foreign_leaving_[network];
    std::set_difference(leaving.begin(), leaving.end(), seen.begin(), seen.end(), std::inserter(fresh, fresh.end()));
    seen = std::move(leaving);
    const auto tell = [this, network, now] { acknowledge(network, now); };
    if (!fresh.empty()) clients_.forget_flows(fresh, tell);
    else if (!seen.empty()) clients_.when_forgotten(tell); // its flows are being ended
    else clients_.when_applied(tell);
}

// Services of ours and of the others.
void Networks::set_clients(const std::string& network) {
    OnNetwork own;
    services_.add_to_network(network, own);
    net::VipTable all = std::move(own.services);
    for (const auto& [project, other] : foreign_[network]) all.insert(other.services.begin(), other.services.end());
    clients_.set(network, std::move(all));
}

// Whoever takes a container away from a service waits for this.
void Networks::acknowledge(const std::string& network, const AppliedChanges& now) {
    auto& told = acknowledged_[network];
    AppliedChanges next = now;
    for (auto& [project, change] : next) // what was told meanwhile is not taken back
        if (const auto before = told.find(project); before != told.end()) change = std::max(change, before->second);
    if (next == told) return;
    try {
        write_applied(store_.roots(), network, project_, next);
        told = std::move(next);
    } catch (const Error& e) {
        log::warning("telling other projects what is applied on network {}: {}", network, e.what());
    }
}

void Networks::on_inotify() {
    alignas(inotify_event) char buffer[4096];
    std::set<std::string> touched;
    bool applied = false;
    for (;;) {
        ssize_t n = ::read(inotify_.get(), buffer, sizeof buffer);
        if (n <= 0) break;
        for (char* p = buffer; p < buffer + n;) {
            inotify_event event;
            std::copy_n(p, sizeof event, reinterpret_cast<char*>(&event));
            std::string name = event.len ? p + sizeof event : "";
            if (event.mask & IN_Q_OVERFLOW) // some were lost: all are looked at
                for (const auto& [wd, network] : watched_) touched.insert(network);
            auto it = watched_.find(event.wd);
            if (name.ends_with(applied_suffix)) applied = applied || !name.starts_with(project_ + ".");
            else if (it != watched_.end() && name != project_ + ".json") touched.insert(it->second);
            p += sizeof event + event.len;
        }
    }
    for (const auto& network : touched) read_foreign(network);
    if (applied) services_.finish_drains();
}

} // namespace davit::supervisor
