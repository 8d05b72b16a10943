// Networks that were removed while tasks were still being stopped: each goes when its last container has left it.
// Their records say so, for a successor.
#pragma once

#include "base/event_loop.hpp"
#include "project/store.hpp"
#include "supervisor/network/networks.hpp"

#include <functional>
#include <set>
#include <string>

namespace davit::supervisor {

class LeavingNetworks {
public:
    // done: one less is waited for.
    LeavingNetworks(EventLoop& loop, const RecordStore& store, Networks& networks, std::string project,
                    std::function<void()> done);

    void load();
    // Throws not_found.
    void add(const std::string& name);
    // Throws conflict when it is gone already.
    void keep(const std::string& name);
    // A container has ended, or another project's may have.
    void try_all();
    bool any() const { return !names_.empty(); }

private:
    void go(const std::string& name);
    void try_soon();

    EventLoop& loop_;
    const RecordStore& store_;
    Networks& networks_;
    std::string project_;
    std::function<void()> done_;
    std::set<std::string> names_, going_;
    bool posted_ = false;
    EventLoop::Watch again_; // another project's container may be on one
};

} // namespace davit::supervisor
