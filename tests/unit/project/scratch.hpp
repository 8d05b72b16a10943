// A directory of its own for each test, removed afterwards.
#pragma once

#include "base/sys.hpp"
#include "project/store.hpp"

#include <cstdlib>
#include <string>

namespace davit::test {

class Scratch {
public:
    Scratch() {
        std::string path = "/tmp/davit-test-XXXXXX";
        if (!::mkdtemp(path.data())) std::abort();
        path_ = path;
    }
    Scratch(const Scratch&) = delete;
    ~Scratch() { sys::remove_tree(path_); }
    const std::string& path() const { return path_; }
    Roots roots() const { return {path_ + "/state", path_ + "/run"}; }

private:
    std::string path_;
};

inline ContainerRecord sample_container() {
    ContainerRecord r;
    r.id = std::string(64, 'a');
    r.name = "shop-web-1";
    r.project = "shop";
    r.service = "web";
    r.image = "python:3.11";
    r.labels = {{"com.docker.compose.project", "shop"}, {"quote\"", "naïve \\ \n"}};
    r.created = 1'790'000'000'123'456'789;
    r.desired = DesiredState::running;
    r.generation = 7;
    EndpointRecord e;
    e.network = "shop_front";
    e.aliases = {"web", "shop-web-1"};
    e.links = {{"database", {"shop-db-1", "shop-db-2"}}};
    e.gw_priority = -3;
    r.endpoints = {e};
    r.ports = {{"127.0.0.1", PortRange{8000, 8010}, 80, "udp"}};
    r.extra_hosts = {{"gw", "host-gateway"}};
    r.healthcheck = HealthcheckRecord{{"CMD", "true"}, 100, 200, 300, 400, 5};
    r.restart = {RestartKind::on_failure, 4};
    r.log.options = {{"max-size", "10m"}};
    r.post_start = {{{"sh", "-c", "true"}, "33", true, "/tmp", {"H=x"}}};
    r.mounts = {{"volume", "shop_data", "", "/data", true, false}};
    r.environment = {"A=b", "C="};
    r.cgroup = "davit/shop/" + r.id;
    return r;
}

} // namespace davit::test
