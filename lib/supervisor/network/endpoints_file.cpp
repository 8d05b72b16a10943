#include "supervisor/network/endpoints_file.hpp"

#include "base/file.hpp"
#include "base/log.hpp"
#include "base/sys.hpp"
#include "project/json_fields.hpp"
#include "project/store.hpp"

#include <unistd.h>

namespace davit::supervisor {

std::string endpoints_dir(const Roots& roots, const std::string& network) {
    return roots.run_networks() + "/" + network;
}

namespace {

json::Value to_value(const net::dns::NamedEndpoint& e) {
    json::Value addresses = json::Value::array();
    for (const auto& a : e.addresses) addresses.push_back(a.to_string());
    return {{"id", e.container_id}, {"name", e.container_name}, {"addresses", addresses}, {"names", e.names}};
}

net::dns::NamedEndpoint from_value(const json::Value& v, const std::string& network) {
    net::dns::NamedEndpoint e;
    e.container_id = v.at("id").get<std::string>();
    e.container_name = v.at("name").get<std::string>();
    e.network = network;
    e.names = v.at("names").get<std::vector<std::string>>();
    for (const auto& text : v.at("addresses"))
        if (auto a = net::IpAddress::try_parse(text.get<std::string>())) e.addresses.push_back(*a);
    return e;
}

} // namespace

void write_endpoints(const Roots& roots, const std::string& network, const std::string& project,
                     const std::vector<net::dns::NamedEndpoint>& endpoints) {
    std::string dir = endpoints_dir(roots, network), file = dir + "/" + project + ".json";
    if (endpoints.empty()) {
        ::unlink(file.c_str());
        ::rmdir(dir.c_str());
        return;
    }
    json::Value list = json::Value::array();
    for (const auto& e : endpoints) list.push_back(to_value(e));
    sys::make_dirs(dir, 0700);
    write_file_atomic(file, json::dump(list), 0600, false);
}

std::vector<std::pair<std::string, std::vector<net::dns::NamedEndpoint>>> read_foreign_endpoints(
    const Roots& roots, const std::string& network, const std::string& own_project) {
    std::vector<std::pair<std::string, std::vector<net::dns::NamedEndpoint>>> out;
    for (const auto& file : list_directory(endpoints_dir(roots, network))) {
        if (!file.ends_with(".json") || file == own_project + ".json") continue;
        auto text = read_file_if_exists(endpoints_dir(roots, network) + "/" + file);
        if (!text) continue;
        try {
            std::vector<net::dns::NamedEndpoint> endpoints;
            for (const auto& v : json::Value::parse(*text)) endpoints.push_back(from_value(v, network));
            out.emplace_back(file.substr(0, file.size() - 5), std::move(endpoints));
        } catch (const nlohmann::json::exception& e) {
            log::warning("{}/{} is not a list of endpoints: {}", endpoints_dir(roots, network), file, e.what());
        }
    }
    return out;
}

} // namespace davit::supervisor
