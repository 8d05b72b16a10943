#include "supervisor/network/stale_flows.hpp"

#include "project/json_fields.hpp"

namespace davit::supervisor {

std::string encode_flows(const net::StaleFlows& flows) {
    json::Value services = json::Value::object(), gone = json::Value::array();
    for (const auto& [address, targets] : flows.services) {
        auto& list = services[address.to_string()] = json::Value::array();
        for (const auto& a : targets) list.push_back(a.to_string());
    }
    for (const auto& a : flows.gone) gone.push_back(a.to_string());
    return json::dump({{"services", services}, {"gone", gone}});
}

net::StaleFlows decode_flows(const std::string& text) {
    net::StaleFlows flows;
    const auto v = json::parse_text(text);
    const auto parsed = [](const json::Value& list) {
        std::vector<net::IpAddress> out;
        for (const auto& a : list) out.push_back(net::IpAddress::parse(a.get<std::string>()));
        return out;
    };
    for (const auto& [address, targets] : v.at("services").items())
        flows.services.emplace(net::IpAddress::parse(address), parsed(targets));
    for (const auto& a : parsed(v.at("gone"))) flows.gone.insert(a);
    return flows;
}

} // namespace davit::supervisor
