// What releases have left on disks is read, whoever wrote it: tests/data/state has one directory for each. Nothing of
// it is lost on the way through, and a record of a davit to come is refused with what to do.
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sys.hpp"
#include "net/state.hpp"
#include "project/revision_store.hpp"
#include "project/store.hpp"
#include "runtime/oci/document.hpp"
#include "supervisor/network/endpoints_file.hpp"
#include "supervisor/network/kept_addresses.hpp"
#include "swarm/store.hpp"
#include "swarm/task_template.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

using namespace davit;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

std::vector<std::string> releases() {
    std::vector<std::string> out;
    for (const auto& entry : fs::directory_iterator(DAVIT_STATES))
        if (entry.is_directory()) out.push_back(entry.path().string());
    std::sort(out.begin(), out.end());
    REQUIRE(!out.empty());
    return out;
}

// Reads the text and writes it again.
using Again = std::function<std::string(const std::string& text, const std::string& file)>;
struct Kind {
    const char* path; // below the release's directory
    bool numbered;    // has a format
    Again again;
};

template <typename Read>
Again through(Read read) {
    return [read](const std::string& text, const std::string& file) { return to_json(read(text, file)); };
}

const std::vector<Kind>& kinds() {
    static const std::vector<Kind> all{
        {"lib/projects/[^/]+/project\\.json", true, through(project_record_from_json)},
        {"lib/projects/[^/]+/containers/[0-9a-f]+/record\\.json", true, through(container_record_from_json)},
        {"lib/swarm/services/[^/]+/templates/[0-9]+/record\\.json", true, through(container_record_from_json)},
        {"lib/projects/[^/]+/containers/[0-9a-f]+/last\\.json", false, through(container_status_from_json)},
        {"run/projects/[^/]+/containers/[0-9a-f]+/state\\.json", false, through(container_status_from_json)},
        {"lib/networks/[^/]+\\.json", true, through(network_record_from_json)},
        {"lib/volumes/[^/]+/volume\\.json", true, through(volume_record_from_json)},
        {"lib/.*/config\\.json", false,
         [](const std::string& text, const std::string& file) {
             return runtime::to_json(runtime::spec_from_json(text, file));
         }},
        {"lib/swarm/node\\.json", true, through(swarm::node_from_json)},
        {"lib/swarm/services/[^/]+/service\\.json", true, through(swarm::service_from_json)},
        {"lib/swarm/services/[^/]+/tasks/[^/]+\\.json", true, through(swarm::task_from_json)},
        {"lib/swarm/services/[^/]+/templates/[0-9]+/template\\.json", true, through(swarm::task_template_from_json)},
        {"lib/swarm/(configs|secrets)/[^/]+\\.json", true, through(swarm::config_from_json)},
        {"run/net/projects/[^/]+\\.json", true,
         [](const std::string& text, const std::string& file) {
             return net::encode_state(net::decode_state(text, file));
         }},
    };
    return all;
}

// What is read in another way: by directories (below), or by the shim and health checks alone.
const std::regex others("lib/(addresses|revisions)/.*|run/networks/.*|run/net/sysctls\\.json|"
                        "run/projects/.*/(health|exit)\\.json");

// Whatever stands in the one stands in the other, which may have more.
void check_kept(const json& before, const json& after, const std::string& at) {
    if (before.is_null()) return; // as good as absent
    CAPTURE(at);
    if (before.is_object()) {
        REQUIRE(after.is_object());
        for (const auto& [key, value] : before.items()) {
            const bool none = value.is_null() || (value.is_structured() && value.empty());
            if (!none) REQUIRE_MESSAGE(after.contains(key), at << "/" << key << " is lost");
            if (after.contains(key)) check_kept(value, after.at(key), at + "/" + key);
        }
    } else if (before.is_array()) {
        REQUIRE(after.is_array());
        REQUIRE(after.size() == before.size());
        for (std::size_t i = 0; i < before.size(); ++i) check_kept(before[i], after[i], at + "/" + std::to_string(i));
    } else {
        CHECK(before == after);
    }
}

std::vector<std::pair<std::string, std::string>> files_of(const std::string& release) { // path below it, text
    std::vector<std::pair<std::string, std::string>> out;
    for (const auto& entry : fs::recursive_directory_iterator(release))
        if (entry.is_regular_file())
            out.emplace_back(entry.path().string().substr(release.size() + 1), read_file(entry.path().string()));
    std::sort(out.begin(), out.end());
    return out;
}

const Kind* kind_of(const std::string& path) {
    for (const Kind& kind : kinds())
        if (std::regex_match(path, std::regex(kind.path))) return &kind;
    return nullptr;
}

} // namespace

TEST_CASE("every record of every release is read, and nothing of it is lost") {
    for (const auto& release : releases()) {
        std::set<const Kind*> met;
        for (const auto& [path, text] : files_of(release)) {
            CAPTURE(release);
            CAPTURE(path);
            const Kind* kind = kind_of(path);
            if (!kind) {
                CHECK_MESSAGE(std::regex_match(path, others), "nobody reads " << path);
                continue;
            }
            met.insert(kind);
            check_kept(json::parse(text), json::parse(kind->again(text, path)), "");
        }
        if (release != releases().back()) continue; // there was less of it in the beginning
        for (const Kind& kind : kinds()) CHECK_MESSAGE(met.contains(&kind), release << " has no " << kind.path);
    }
}

TEST_CASE("a record of a davit to come is refused, and says what to do") {
    const std::string release = releases().back();
    for (const auto& [path, text] : files_of(release)) {
        const Kind* kind = kind_of(path);
        if (!kind || !kind->numbered) continue;
        CAPTURE(path);
        json newer = json::parse(text);
        REQUIRE(newer.contains("format"));
        newer["format"] = newer["format"].get<int>() + 1;
        try {
            kind->again(newer.dump(), path);
            FAIL("it was read");
        } catch (const Error& e) {
            CHECK(e.kind() == Errc::unsupported);
            CHECK(std::string(e.what()).find("newer davit") != std::string::npos);
            CHECK(std::string(e.what()).find(path) != std::string::npos);
            CHECK(e.hint().find("davit") != std::string::npos);
        }
    }
}

TEST_CASE("the stores find what a release has left: projects, services, revisions, addresses") {
    for (const auto& release : releases()) {
        CAPTURE(release);
        const Roots roots{release + "/lib", release + "/run"};
        const RecordStore store(roots);
        const auto names = list_directory(roots.projects());
        REQUIRE(std::find(names.begin(), names.end(), "shop") != names.end());
        CHECK(store.projects().size() == 1);
        CHECK(store.containers("shop").size() == 5);
        std::size_t running = 0;
        for (const auto& record : store.containers("shop")) {
            const auto file = ProjectPaths(roots, "shop").status(record.id);
            running += container_status_from_json(read_file(file), file).state == ContainerState::running;
            CHECK(store.status(record).state != ContainerState::running); // its process is not this machine's
        }
        CHECK(running == 4);
        CHECK(store.network("shop_front")->subnet4 == "10.78.0.0/24");
        CHECK(store.volume("shop_data")->labels.at("keep") == "yes");
        for (const char* network : {"shop_front", "shop_back"}) {
            CHECK(supervisor::read_kept(roots, network, "shop").contains("web/1"));
            const auto seen = supervisor::read_foreign(roots, network, "somebody else");
            REQUIRE(seen.size() == 1);
            CHECK(!seen[0].second.endpoints.empty());
        }
        CHECK(net::load_state(roots.run).projects.at("shop").ports.size() >= 3);
        if (!fs::exists(release + "/lib/swarm")) continue;
        const swarm::Store objects(roots);
        CHECK(objects.node()->labels.at("disk") == "ssd");
        CHECK(objects.services_of("stack.s").size() == 4);
        for (const auto& service : objects.services_of("stack.s")) {
            if (service.spec.name != "s_web") continue;
            CHECK(service.previous.has_value());
            CHECK(service.update_status->state == "completed");
            CHECK(service.spec.task.restart_policy->max_attempts == 3);
            CHECK(objects.tasks(service.id).size() == 4);
        }
        CHECK(objects.files(swarm::FileKind::secret).at(0).spec.data == "hush\n");
        const RevisionStore revisions(roots, "shop");
        CHECK(revisions.numbers() == std::vector<int>{1, 2});
        const auto last = revisions.read(2);
        REQUIRE(last);
        CHECK(json::parse(last->model).contains("services"));
        for (const auto& content : last->contents) CHECK(exists(revisions.directory() + "/contents/" + content.hash));
    }
}
