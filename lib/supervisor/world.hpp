// What every container of a supervisor shares.
#pragma once

#include "base/event_loop.hpp"
#include "davit/event.hpp"
#include "net/dns/server.hpp"
#include "net/netlink.hpp"
#include "project/event_journal.hpp"
#include "project/names.hpp"
#include "project/store.hpp"
#include "runtime/shim_client.hpp"
#include "supervisor/helper/helper.hpp"
#include "supervisor/helper/reaper.hpp"
#include "supervisor/network/networks.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace davit::supervisor {

class Container;

struct World {
    EventLoop& loop;
    const RecordStore& store;
    ProjectPaths paths;
    Reaper& reaper;
    Helper& files;
    Networks& networks;
    net::dns::Server& dns;
    net::NetlinkSocket& host; // rtnetlink in the host's namespace

    std::string shim_path;
    std::function<int()> shim_exe;            // a sealed copy, made at the first start and shared by all
    std::vector<std::string> supervisor_argv; // how a shim starts the next supervisor

    std::function<void()> ready_shims; // what starts shims is started ahead
    std::function<runtime::ShimConnection(const runtime::ShimStart&)> start_shim;
    std::function<void(Event)> emit;
    std::function<void(std::vector<JournalLine>)> journal; // what nobody waits for; unset: nothing is kept
    std::function<void(Container&)> changed;               // state or health: gates look again
    std::function<void(Container&)> auto_remove;           // a `--rm` container has ended
    std::function<Container*(const std::string&)> find;    // by id
    std::function<Container*(const std::string&)> named;   // by name
    std::function<void(std::function<void()>)> take_turn;  // heavy work, one piece per turn of the loop
    std::function<void(const std::string&)> sync_soon;     // a record was written: put it on disk in the background
    std::function<void(const ContainerRecord&)> leaving;   // it is about to be no more, and has events to come
    // And does not come back, or cannot begin: its ECS task ends. how: it "has ended".
    std::function<void(Container&, const char* how)> essential_ended;
    std::function<void(const std::string& task)> task_ends;               // what of it has not begun does not
    std::function<void(const std::string& id, int netns)> serve_metadata; // of the ECS task whose network it holds
    std::function<void(const std::string& id)> stop_metadata;
    // The machine goes down: what ends now is meant to run in the next boot, and nothing takes its place in this one.
    bool shutting_down = false;
    std::optional<NameIndex> names{}; // of the machine's containers
};

} // namespace davit::supervisor
