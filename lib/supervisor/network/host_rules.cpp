// Networks: the host's rules, written whole by the helper, and looked at again when others change the firewall.
#include "base/log.hpp"
#include "supervisor/network/networks.hpp"

#include <sys/epoll.h>
#include <utility>

namespace davit::supervisor {

namespace {
constexpr std::chrono::milliseconds heal_delay{50}, commit_retry{1000};
}

void Networks::schedule_commit() {
    ++version_;
    if (!std::exchange(commit_posted_, true)) loop_.post([this] { commit(); });
}

void Networks::commit() {
    commit_posted_ = false;
    if (committing_ > committed_) return; // the answer starts the next one
    committing_ = version_;
    recommit_.reset();
    HelperJob job;
    job.kind = HelperJob::Kind::commit_network;
    job.text = net::encode_state(state_);
    job.group = std::exchange(group_to_remove_, 0);
    job.paths = std::exchange(bridges_to_remove_, {});
    job.state_dir = store_.roots().state;
    job.run_dir = store_.roots().run;
    helper_.run(job, [this, job](const Error* failure) {
        committed_ = committing_;
        if (failure) commit_again(job);
        auto waiters = std::exchange(commit_waiters_, {});
        for (auto& [version, done] : waiters) {
            if (version <= committed_) done(failure);
            else commit_waiters_.emplace_back(version, std::move(done));
        }
        if (failure) log::warning("host network rules: {}", failure->what());
        if (std::erase_if(leaving_, [&](const auto& l) { return l.second <= committed_; }) != 0) post_process();
        if (version_ > committed_) commit();
    });
}

// What did not get into the kernel, or out of it, must not stay so until the next change.
void Networks::commit_again(const HelperJob& failed) {
    if (failed.group != 0) group_to_remove_ = failed.group;
    bridges_to_remove_.insert(bridges_to_remove_.end(), failed.paths.begin(), failed.paths.end());
    recommit_ = loop_.after(commit_retry, [this] {
        recommit_.reset();
        schedule_commit();
    });
}

void Networks::when_committed(Done done) {
    if (committed_ >= version_) return done(nullptr);
    commit_waiters_.emplace_back(version_, std::move(done));
}

// ---- what others do to the firewall

void Networks::watch_firewall() {
    try {
        firewall_.emplace();
    } catch (const Error& e) {
        return log::warning("changes of the firewall by others will not be noticed: {}", e.what());
    }
    nftables_watch_ = loop_.watch_fd(firewall_->nftables_fd(), EPOLLIN, [this](std::uint32_t) {
        if (firewall_->read_nftables()) heal_soon();
    });
    sysctl_watch_ = loop_.watch_fd(firewall_->sysctl_fd(), EPOLLIN, [this](std::uint32_t) {
        if (firewall_->read_sysctl()) heal_soon();
    });
}

// A reload comes as many changes: one look after the last of them, but not later than the first one's.
void Networks::heal_soon() {
    if (heal_timer_ || state_.empty()) return;
    heal_timer_ = loop_.after(heal_delay, [this] {
        heal_timer_.reset();
        HelperJob job;
        job.kind = HelperJob::Kind::heal_network;
        job.state_dir = store_.roots().state;
        job.run_dir = store_.roots().run;
        helper_.run(job, [](const Error* e) {
            if (e) log::warning("restoring the host's network rules: {}", e->what());
        });
    });
}

} // namespace davit::supervisor
