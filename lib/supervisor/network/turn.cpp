// Networks: one turn with the machine's lock, in which all that wait get their addresses and others are told.
#include "base/error.hpp"
#include "base/log.hpp"
#include "supervisor/network/endpoints_file.hpp"
#include "supervisor/network/networks.hpp"

#include <algorithm>
#include <utility>

namespace davit::supervisor {

namespace {
constexpr std::chrono::milliseconds lock_retry{1}, write_retry{1000}, freed_retry{20};
}

void Networks::connect(const ContainerRecord& record, Connected done) {
    waiting_.push_back({record, std::move(done)});
    post_process();
}

void Networks::post_process() {
    if (!std::exchange(process_posted_, true)) loop_.post([this] { process(); });
}

// Nobody is left waiting for a lock that cannot even be opened.
void Networks::refuse_all(const Error& why) {
    process_posted_ = false;
    log::warning("{}", why.describe());
    for (auto& [name, done] : std::exchange(creations_, {})) done(&why);
    services_.refuse_all(why);
    for (auto& w : std::exchange(waiting_, {})) w.done(&why, nullptr);
    for (auto& j : std::exchange(joining_, {})) j.done(&why, nullptr);
    if (!changed_.empty()) write_later();
}

void Networks::process() {
    std::optional<net::MachineLock> lock;
    try {
        lock = net::MachineLock::try_acquire(store_.roots().run);
    } catch (const Error& e) {
        return refuse_all(e);
    }
    if (!lock) {
        retry_ = loop_.after(lock_retry, [this] { process(); });
        return;
    }
    process_posted_ = false;
    auto attempt = [](auto&& fn) -> std::optional<Error> {
        try {
            fn();
            return std::nullopt;
        } catch (const Error& e) {
            return e;
        }
    };
    std::vector<std::function<void()>> answers; // given after the lock is free again
    for (auto& [name, done] : std::exchange(creations_, {})) {
        auto failure = attempt([&] { create_now(name); });
        if (failure) answers.emplace_back([done, failure] { done(&*failure); });
        else answers.emplace_back([this, done] { when_committed(done); });
    }
    services_.process(answers);
    auto waiting = std::exchange(waiting_, {});
    for (auto it = waiting.begin(); it != waiting.end();) // until their bridges are gone, to be made anew
        if (leaving(it->record)) waiting_.push_back(std::move(*it)), it = waiting.erase(it);
        else ++it;
    // Static addresses of all first, so that no dynamic one takes them.
    std::stable_partition(waiting.begin(), waiting.end(), [](const Waiting& w) {
        return std::any_of(w.record.endpoints.begin(), w.record.endpoints.end(),
                           [](const auto& e) { return !e.ipv4_address.empty() || !e.ipv6_address.empty(); });
    });
    for (auto& w : waiting) {
        auto failure = attempt([&] { connect_now(w.record); });
        const auto& on = w.record.endpoints;
        if (failure && std::any_of(on.begin(), on.end(), [&](const auto& e) { return frees_soon(e.network); }))
            waiting_.push_back(std::move(w)); // perhaps for want of an address that is free in a moment
        else if (failure) answers.emplace_back([done = w.done, failure] { done(&*failure, nullptr); });
        else
            answers.emplace_back([this, done = w.done, id = w.record.id] {
                auto it = holders_.find(id);
                if (it != holders_.end()) done(nullptr, &it->second->lease);
            });
    }
    for (auto& j : std::exchange(joining_, {})) {
        if (leaving_.contains(j.network)) {
            joining_.push_back(std::move(j));
            continue;
        }
        auto failure = attempt([&] { add_network_now(j.record, j.network); });
        answers.emplace_back([this, done = j.done, failure, id = j.record.id] {
            done(failure ? &*failure : nullptr, failure ? nullptr : lease(id));
        });
    }
    write_changed();
    lock.reset();
    if (!waiting_.empty() || services_.waiting()) freed_ = loop_.after(freed_retry, [this] { post_process(); });
    for (auto& answer : answers) answer();
}

void Networks::touch(const NetworkLease& lease) {
    for (const auto& a : lease.attachments) changed_.insert(a.network->name());
}

void Networks::write_changed() {
    for (const auto& name : std::exchange(changed_, {})) {
        OnNetwork own;
        for (const auto& [id, holder] : holders_)
            for (auto e : holder->names) {
                if (e.network != name) continue;
                if (!holder->published) e.names.clear();
                own.endpoints.push_back(std::move(e));
            }
        services_.add_to_network(name, own);
        if (const auto network = networks_.find(name); network != networks_.end())
            for (const bool v6 : {false, true})
                if (net::AddressPool* pool = network->second->pool(v6))
                    own.leaving.insert(pool->quarantined().begin(), pool->quarantined().end());
        if (!own.leaving.empty()) own.change = services_.last_change();
        try {
            write_endpoints(store_.roots(), name, project_, own);
            if (!own.endpoints.empty()) watch_foreign(name);
        } catch (const Error& e) { // it is for other projects; this one must not lose its containers over it
            log::warning("telling other projects who is on the network {}: {}", name, e.what());
            changed_.insert(name);
        }
    }
    if (!changed_.empty()) write_later();
}

void Networks::write_later() {
    rewrite_ = loop_.after(write_retry, [this] { post_process(); });
}

} // namespace davit::supervisor
