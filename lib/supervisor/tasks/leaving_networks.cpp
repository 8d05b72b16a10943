#include "supervisor/tasks/leaving_networks.hpp"

#include "base/error.hpp"
#include "base/log.hpp"

#include <chrono>
#include <utility>

namespace davit::supervisor {

namespace {
constexpr std::chrono::seconds look_again{1};
}

LeavingNetworks::LeavingNetworks(EventLoop& loop, const RecordStore& store, Networks& networks, std::string project,
                                 std::function<void()> done)
    : loop_(loop), store_(store), networks_(networks), project_(std::move(project)), done_(std::move(done)) {}

void LeavingNetworks::load() {
    for (const auto& record : store_.networks())
        if (record.project == project_ && record.leaving) names_.insert(record.name);
    if (any()) try_soon();
}

void LeavingNetworks::add(const std::string& name) {
    auto record = store_.network(name);
    if (!record) throw error(Errc::not_found, "network {} not found", name);
    record->leaving = true;
    store_.write(*record);
    names_.insert(name);
    try_soon();
}

void LeavingNetworks::keep(const std::string& name) {
    auto record = store_.network(name);
    if (!record) throw error(Errc::conflict, "network {} is being removed", name);
    record->leaving = false;
    store_.write(*record);
    names_.erase(name);
}

void LeavingNetworks::try_soon() {
    if (std::exchange(posted_, true)) return;
    loop_.post([this] {
        posted_ = false;
        try_all();
    });
}

void LeavingNetworks::try_all() {
    again_.reset();
    const auto names = names_;
    for (const auto& name : names)
        if (!going_.contains(name)) go(name);
    if (any()) again_ = loop_.after(look_again, [this] { try_all(); });
}

void LeavingNetworks::go(const std::string& name) {
    going_.insert(name);
    networks_.remove(name, [this, name](const Error* e) {
        going_.erase(name);
        if (e && e->kind() == Errc::conflict) return; // somebody is on it
        if (e) log::warning("removing the network {}: {}", name, e->what());
        if (!store_.network(name)) names_.erase(name);
        loop_.post([this] { done_(); });
    });
}

} // namespace davit::supervisor
