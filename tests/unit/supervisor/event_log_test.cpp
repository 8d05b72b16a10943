#include "supervisor/event_log.hpp"

#include <algorithm>
#include <doctest/doctest.h>

using namespace davit;
using namespace davit::supervisor;

namespace {

struct Told {
    ContainerRecord record;
    NetworkRecord front;

    Told() {
        record.id = std::string(64, 'c');
        record.name = "web";
        record.image = "busybox";
        record.labels = {{"l", "1"}, {"name", "a label"}};
        record.endpoints.resize(1);
        record.endpoints[0].network = "front";
        record.mounts.resize(2);
        record.mounts[0].type = "volume";
        record.mounts[0].name = "data";
        record.mounts[0].target = "/v";
        record.mounts[1].type = "bind";
        front.name = "front";
        front.id = std::string(64, 'f');
    }
    std::vector<JournalLine> operator()(EventKind kind, const std::string& text = {}, int code = 0,
                                        const std::string& resource = {}) const {
        Event e;
        e.kind = kind;
        e.time_ns = 5;
        e.container_id = record.id;
        e.container_name = record.name;
        e.text = text;
        e.exit_code = code;
        e.resource = resource;
        return journal_lines(e, &record,
                             [this](const std::string& name) { return name == "front" ? &front : nullptr; });
    }
};

std::string brief(const std::vector<JournalLine>& lines) {
    std::string out;
    for (const auto& line : lines) out += line.type + " " + line.action + ", ";
    return out;
}

} // namespace

TEST_CASE("a start and an end take networks and volumes along, in Docker's order") {
    const Told told;
    CHECK(brief(told(EventKind::container_started)) == "volume mount, network connect, container start, ");
    CHECK(brief(told(EventKind::container_exited)) == "container die, network disconnect, volume unmount, ");
    const auto start = told(EventKind::container_started);
    CHECK(start[1].id == told.front.id);
    CHECK(start[1].attributes ==
          std::map<std::string, std::string>{{"container", told.record.id}, {"name", "front"}, {"type", "bridge"}});
    CHECK(start[0].id == "data");
    CHECK(start[0].attributes.at("destination") == "/v");
    CHECK(start[0].attributes.at("read/write") == "true");
}

TEST_CASE("a container's events have its labels, image and name, and what happened") {
    const Told told;
    const JournalLine die = told(EventKind::container_exited, "", 3)[0];
    CHECK(die.id == told.record.id);
    CHECK(die.time_ns == 5);
    CHECK(die.attributes ==
          std::map<std::string, std::string>{{"exitCode", "3"}, {"image", "busybox"}, {"l", "1"}, {"name", "web"}});
    CHECK(told(EventKind::container_signalled, "SIGTERM")[0].attributes.at("signal") == "15");
    CHECK(told(EventKind::container_renamed, "before")[0].attributes.at("oldName") == "/before");
    CHECK(told(EventKind::container_health, "healthy")[0].action == "health_status: healthy");
    CHECK(brief(told(EventKind::container_stopped)) == "container stop, ");
    CHECK(told(EventKind::container_restarting).empty());
    CHECK(told(EventKind::operation_done).empty());
}

TEST_CASE("what is run in a container is told with its labels, too") {
    const Told told;
    const JournalLine line = container_line(told.record, 7, "exec_die", {{"execID", "x"}, {"exitCode", "0"}});
    CHECK(line.type == "container");
    CHECK(line.id == told.record.id);
    CHECK(line.time_ns == 7);
    CHECK(line.attributes ==
          std::map<std::string, std::string>{
              {"execID", "x"}, {"exitCode", "0"}, {"image", "busybox"}, {"l", "1"}, {"name", "web"}});
}

TEST_CASE("networks and volumes") {
    Told told;
    CHECK(brief(told(EventKind::network_connected, "", 0, "network:front")) == "network connect, ");
    CHECK(told(EventKind::network_disconnected, "", 0, "network:front")[0].attributes.at("container") ==
          told.record.id);
    CHECK(told(EventKind::volume_created, "", 0, "data")[0].id == "data");
    told.record.endpoints.clear();
    told.record.network_mode = "host";
    const auto started = told(EventKind::container_started); // the volumes come first
    const auto network =
        std::find_if(started.begin(), started.end(), [](const JournalLine& line) { return line.type == "network"; });
    REQUIRE(network != started.end());
    CHECK(network->attributes.at("type") == "host");
    CHECK(network->id.size() == 64);
    CHECK(brief(journal_lines({}, nullptr, [](const std::string&) { return nullptr; })).empty());
}
