#include "engine/inspect/container.hpp"

#include "davit/inspect.hpp"
#include "davit/labels.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace davit;

namespace {

documents::Inspected shop() {
    documents::Inspected of;
    of.info.id = of.record.id = "0123456789abcdef";
    of.info.name = of.record.name = "shop-web-1";
    of.record.environment = {"PATH=/usr/bin", "LANG=C", "PASSWORD=secret", "TOKEN"};
    of.image.emplace();
    of.image->env = {"LANG=C"};
    of.image->entrypoint = {"/entry"};
    of.record.command = {"/entry", "serve"};
    return of;
}

} // namespace

TEST_CASE("values of the environment are shown where the image has them, and PATH") {
    const auto document = documents::container(shop());
    CHECK(document["Config"]["Env"] == nlohmann::ordered_json({"PATH=/usr/bin", "LANG=C", "PASSWORD", "TOKEN"}));
}

TEST_CASE("the image's entrypoint is told from the command") {
    auto of = shop();
    CHECK(documents::container(of)["Config"]["Entrypoint"] == nlohmann::ordered_json({"/entry"}));
    CHECK(documents::container(of)["Config"]["Cmd"] == nlohmann::ordered_json({"serve"}));
    of.record.command = {"/other"};
    CHECK(documents::container(of)["Config"]["Entrypoint"].is_null());
    CHECK(documents::container(of)["Config"]["Cmd"] == nlohmann::ordered_json({"/other"}));
}

TEST_CASE("the name of an interface is among the options of its network, as Docker's engine is asked for it") {
    auto of = shop();
    EndpointRecord endpoint;
    endpoint.network = endpoint.compose_name = "n";
    endpoint.interface_name = "lan0";
    endpoint.driver_opts = {{"k", "v"}};
    of.record.endpoints = {endpoint};
    const auto options = [&] { return documents::container(of)["NetworkSettings"]["Networks"]["n"]["DriverOpts"]; };
    CHECK(options() == nlohmann::ordered_json({{"com.docker.network.endpoint.ifname", "lan0"}, {"k", "v"}}));
    of.record.endpoints[0].driver_opts.clear();
    of.record.endpoints[0].interface_name.clear();
    CHECK(options().is_null());
}

TEST_CASE("nobody checks any more: as docker, unhealthy; never checked: no health at all") {
    auto of = shop();
    CHECK_FALSE(documents::container(of)["State"].contains("Health"));
    of.checks.resize(1);
    CHECK(documents::container(of)["State"]["Health"]["Status"] == "unhealthy");
    of.info.health = Health::healthy;
    CHECK(documents::container(of)["State"]["Health"]["Status"] == "healthy");
}

TEST_CASE("a volume's document: bytes that are not UTF-8 do not spoil it") {
    VolumeInfo volume;
    volume.name = "data";
    volume.labels["bad"] = "\xff";
    const auto document = nlohmann::json::parse(inspect(volume));
    CHECK(document["Name"] == "data");
    CHECK(document["Labels"]["bad"] == "\xef\xbf\xbd");
}

TEST_CASE("a task's container shows what Swarm asked for") {
    auto of = shop();
    of.record.hostname = "0123456789ab";
    of.record.environment.emplace_back("HOSTNAME=0123456789ab");
    of.record.working_dir = "/";
    of.record.network_mode = "bridge";
    of.record.endpoints.emplace_back().network = "n1";
    const auto plain = documents::container(of);
    CHECK(plain["HostConfig"]["NetworkMode"] == "n1");
    CHECK(plain["Config"].contains("StopTimeout"));
    of.record.labels[label::swarm_task_id] = "t1";
    const auto task = documents::container(of);
    CHECK(task["Config"]["Env"] == nlohmann::ordered_json({"PATH=/usr/bin", "LANG=C", "PASSWORD", "TOKEN"}));
    CHECK(task["Config"]["WorkingDir"] == "");
    CHECK(task["Config"]["AttachStdout"] == false);
    CHECK_FALSE(task["Config"].contains("StopTimeout"));
    CHECK_FALSE(task["Config"].contains("StopSignal"));
    CHECK(task["HostConfig"]["NetworkMode"] == "bridge");
    CHECK(task["HostConfig"]["ExtraHosts"].is_null());
    CHECK(task["HostConfig"]["Ulimits"] == nlohmann::ordered_json::array());
    of.record.stop_signal = "SIGUSR1";
    CHECK(documents::container(of)["Config"]["StopSignal"] == "SIGUSR1");
}

TEST_CASE("what Docker's runtime finds stands behind its words") {
    auto of = shop();
    of.info.error = "sysctl \"a.b\" is not in a separate kernel namespace";
    const auto text = documents::container(of)["State"]["Error"].get<std::string>();
    CHECK(text.starts_with("failed to create task for container: "));
    CHECK(text.ends_with("runc create failed: " + of.info.error));
}
