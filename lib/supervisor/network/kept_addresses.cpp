#include "supervisor/network/kept_addresses.hpp"

#include "base/file.hpp"
#include "base/log.hpp"
#include "base/sys.hpp"
#include "project/json_fields.hpp"
#include "project/store.hpp"

#include <unistd.h>

namespace davit::supervisor {

namespace {

constexpr int format_number = 1;
constexpr std::string_view suffix = ".json";

std::string dir_of(const Roots& roots, const std::string& network) { return roots.addresses() + "/" + network; }

std::string file_of(const Roots& roots, const std::string& network, const std::string& project) {
    return dir_of(roots, network) + "/" + project + std::string(suffix);
}

} // namespace

std::string holder_of(const ContainerRecord& record) {
    if (record.oneoff || record.auto_remove) return "";
    return record.service.empty() ? record.id : fmt::format("{}/{}", record.service, record.number);
}

KeptAddresses read_kept(const Roots& roots, const std::string& network, const std::string& project) {
    KeptAddresses kept;
    const std::string file = file_of(roots, network, project);
    const auto text = read_file_if_exists(file);
    if (!text) return kept;
    try {
        const json::Value v = json::parse_text(*text);
        if (v.at("format").get<int>() > format_number) return kept; // a newer davit's: its addresses are not known here
        for (const auto& [holder, addresses] : v.at("addresses").items())
            for (const auto& address : addresses)
                if (auto a = net::IpAddress::try_parse(address.get<std::string>())) kept[holder].push_back(*a);
    } catch (const nlohmann::json::exception& e) {
        log::warning("{} does not say who has which address: {}", file, e.what());
        kept.clear();
    }
    return kept;
}

void write_kept(const Roots& roots, const std::string& network, const std::string& project, const KeptAddresses& kept) {
    json::Value addresses = json::Value::object();
    for (const auto& [holder, list] : kept)
        for (const auto& a : list) addresses[holder].push_back(a.to_string());
    write_file_making(file_of(roots, network, project),
                      json::dump({{"format", format_number}, {"addresses", addresses}}), 0600, false);
}

std::set<net::IpAddress> kept_by_others(const Roots& roots, const std::string& network,
                                        const std::string& own_project) {
    std::set<net::IpAddress> out;
    for (const auto& name : list_directory(dir_of(roots, network))) {
        if (!name.ends_with(suffix)) continue;
        const std::string project = name.substr(0, name.size() - suffix.size());
        if (project == own_project) continue;
        if (!exists(ProjectPaths(roots, project).state)) { // it went while nobody looked after it
            ::unlink(file_of(roots, network, project).c_str());
            continue;
        }
        for (const auto& [holder, addresses] : read_kept(roots, network, project))
            out.insert(addresses.begin(), addresses.end());
    }
    return out;
}

} // namespace davit::supervisor
