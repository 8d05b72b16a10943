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

// Without a name: what leads to nobody.
constexpr const char* leaving_id = "leaving";

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

namespace {

json::Value to_value(const net::VipTable& services, std::int64_t change) {
    json::Value targets = json::Value::object();
    for (const auto& [address, list] : services) {
        auto& to = targets[address.to_string()] = json::Value::array();
        for (const auto& a : list) to.push_back(a.to_string());
    }
    return {{"services", targets}, {"change", change}};
}

void read_services(const json::Value& v, OnNetwork& to) {
    to.change = v.at("change").get<std::int64_t>();
    for (const auto& [text, list] : v.at("services").items()) {
        const auto address = net::IpAddress::try_parse(text);
        if (!address) continue;
        auto& targets = to.services[*address];
        for (const auto& target : list)
            if (auto a = net::IpAddress::try_parse(target.get<std::string>())) targets.push_back(*a);
    }
}

} // namespace

bool is_leaving(const net::dns::NamedEndpoint& endpoint) { return endpoint.container_id == leaving_id; }

void write_endpoints(const Roots& roots, const std::string& network, const std::string& project, const OnNetwork& own) {
    std::string dir = endpoints_dir(roots, network), file = dir + "/" + project + ".json";
    if (own.endpoints.empty() && own.services.empty() && own.leaving.empty()) {
        ::unlink(file.c_str());
        ::unlink((dir + "/" + project + std::string(applied_suffix)).c_str());
        ::rmdir(dir.c_str());
        return;
    }
    json::Value list = json::Value::array();
    for (const auto& e : own.endpoints) list.push_back(to_value(e));
    if (!own.leaving.empty())
        list.push_back(to_value({leaving_id, {}, network, {own.leaving.begin(), own.leaving.end()}, {}}));
    if (own.change != 0) list.push_back(to_value(own.services, own.change));
    write_file_making(file, json::dump(list), 0600, false);
}

std::vector<std::pair<std::string, OnNetwork>> read_foreign(const Roots& roots, const std::string& network,
                                                            const std::string& own_project) {
    std::vector<std::pair<std::string, OnNetwork>> out;
    for (const auto& file : list_directory(endpoints_dir(roots, network))) {
        if (!file.ends_with(".json") || file == own_project + ".json") continue;
        auto text = read_file_if_exists(endpoints_dir(roots, network) + "/" + file);
        if (!text) continue;
        try {
            OnNetwork other;
            for (const auto& v : json::parse_text(*text))
                if (v.contains("services")) read_services(v, other);
                else {
                    const auto& one = other.endpoints.emplace_back(from_value(v, network));
                    if (is_leaving(one)) other.leaving.insert(one.addresses.begin(), one.addresses.end());
                }
            out.emplace_back(file.substr(0, file.size() - 5), std::move(other));
        } catch (const nlohmann::json::exception& e) {
            log::warning("{}/{} is not a list of endpoints: {}", endpoints_dir(roots, network), file, e.what());
        }
    }
    return out;
}

std::vector<std::pair<std::string, std::vector<net::dns::NamedEndpoint>>> read_foreign_endpoints(
    const Roots& roots, const std::string& network, const std::string& own_project) {
    std::vector<std::pair<std::string, std::vector<net::dns::NamedEndpoint>>> out;
    for (auto& [project, other] : read_foreign(roots, network, own_project))
        out.emplace_back(project, std::move(other.endpoints));
    return out;
}

void write_applied(const Roots& roots, const std::string& network, const std::string& project,
                   const AppliedChanges& applied) {
    try {
        write_file_atomic(endpoints_dir(roots, network) + "/" + project + std::string(applied_suffix),
                          json::dump(applied), 0600, false);
    } catch (const Error& e) {
        if (e.os().value() != ENOENT) throw; // nobody is there any more
    }
}

AppliedChanges read_applied(const Roots& roots, const std::string& network, const std::string& project) {
    const auto text = read_file_if_exists(endpoints_dir(roots, network) + "/" + project + std::string(applied_suffix));
    if (!text) return {};
    try {
        return json::parse_text(*text).get<AppliedChanges>();
    } catch (const nlohmann::json::exception&) {
        return {};
    } // as if it had not said anything
}

} // namespace davit::supervisor
