#include "engine/swarm/swarm_model.hpp"

#include "base/error.hpp"
#include "swarm/store.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <utility>

namespace davit {

namespace {

using nlohmann::json;

json model_json(const SwarmNetwork& n) {
    json out = {{"driver", n.driver}};
    auto put = [&](const char* key, const auto& map) {
        if (!map.empty()) out[key] = map;
    };
    put("driver_opts", n.driver_opts);
    put("labels", n.labels);
    for (const auto& [key, set] :
         {std::pair{"internal", n.internal}, {"attachable", n.attachable}, {"enable_ipv6", n.enable_ipv6}})
        if (set) out[key] = true;
    for (const auto& p : n.pools)
        out["pools"].push_back(
            {{"subnet", p.subnet}, {"ip_range", p.ip_range}, {"gateway", p.gateway}, {"aux", p.aux_addresses}});
    return out;
}

SwarmNetwork model_network(const std::string& name, const json& j) {
    SwarmNetwork out;
    out.name = name;
    out.driver = j.value("driver", out.driver);
    out.driver_opts = j.value("driver_opts", out.driver_opts);
    out.labels = j.value("labels", out.labels);
    out.internal = j.value("internal", false);
    out.attachable = j.value("attachable", false);
    out.enable_ipv6 = j.value("enable_ipv6", false);
    for (const json& p : j.value("pools", json::array()))
        out.pools.push_back({p.value("subnet", ""), p.value("ip_range", ""), p.value("gateway", ""),
                             p.value("aux", std::map<std::string, std::string>())});
    return out;
}

json model_json(const std::map<std::string, SwarmModel::File>& files) {
    json out = json::object();
    for (const auto& [name, file] : files) {
        json& one = out[name] = json::object();
        if (!file.labels.empty()) one["labels"] = file.labels;
        if (!file.template_driver.empty()) one["template_driver"] = file.template_driver;
        if (!file.driver.empty()) one["driver"] = file.driver;
    }
    return out;
}

std::map<std::string, SwarmModel::File> model_files(const json& j) {
    std::map<std::string, SwarmModel::File> out;
    for (const auto& [name, one] : j.items())
        out[name] = {one.value("labels", swarm::Labels()), one.value("template_driver", ""), one.value("driver", "")};
    return out;
}

} // namespace

std::string to_json(const SwarmModel& model) {
    json services = json::object(), networks = json::object();
    for (const auto& [name, spec] : model.services) services[name] = json::parse(swarm::to_json(spec));
    for (const auto& [name, network] : model.networks) networks[name] = model_json(network);
    const json out = {{"services", services},
                      {"networks", networks},
                      {"configs", model_json(model.configs)},
                      {"secrets", model_json(model.secrets)}};
    return out.dump(2, ' ', false, json::error_handler_t::replace);
}

SwarmModel swarm_model_from_json(const std::string& text) try {
    const json j = json::parse(text);
    SwarmModel out;
    const json services = j.at("services"), networks = j.value("networks", json::object());
    for (const auto& [name, spec] : services.items())
        out.services[name] = swarm::service_spec_from_json(spec.dump(), "a revision");
    for (const auto& [name, network] : networks.items()) out.networks[name] = model_network(name, network);
    out.configs = model_files(j.value("configs", json::object()));
    out.secrets = model_files(j.value("secrets", json::object()));
    return out;
} catch (const json::exception&) {
    throw error(Errc::failed, "a revision of services cannot be read");
}

swarm::ServiceSpec plain_spec(swarm::ServiceSpec spec,
                              const std::function<std::string(const std::string& target)>& network_name) {
    spec.task.force_update = 0;
    spec.task.container.image_id.clear();
    for (auto& attachment : spec.task.networks) attachment.target = network_name(attachment.target);
    for (auto* uses : {&spec.task.container.configs, &spec.task.container.secrets})
        for (auto& use : *uses) use.id.clear();
    return spec;
}

std::vector<std::string> change_lines(const Revision& before, const Revision& now) {
    constexpr std::size_t most_attributes = 3;
    struct Thing {
        std::string title, what;
        std::vector<std::string> attributes;
    };
    std::vector<Thing> things;
    for (const RevisionChange& change : changes_between(before, now)) {
        const std::string title = change.section == "service" ? change.name : change.section + " " + change.name;
        if (things.empty() || things.back().title != title) things.push_back({title, "update", {}});
        Thing& thing = things.back();
        if (!change.attribute.empty()) thing.attributes.push_back(change.attribute);
    }
    auto there = [](const Revision& revision) {
        const auto model = json::parse(revision.model, nullptr, false);
        return model.is_object() ? model : json::object();
    };
    const json old = there(before), fresh = there(now);
    std::vector<std::string> out;
    for (Thing& thing : things) {
        const auto space = thing.title.find(' ');
        const std::string section = space == std::string::npos ? "services" : thing.title.substr(0, space) + "s";
        const std::string name = space == std::string::npos ? thing.title : thing.title.substr(space + 1);
        const bool was = old.value(section, json::object()).contains(name);
        const bool is = fresh.value(section, json::object()).contains(name);
        if (!was || !is) {
            out.push_back(thing.title + (was ? ": remove" : ": create"));
            continue;
        }
        const std::size_t more = thing.attributes.size() - std::min(thing.attributes.size(), most_attributes);
        thing.attributes.resize(thing.attributes.size() - more);
        std::string list;
        for (const auto& attribute : thing.attributes) list += (list.empty() ? "" : ", ") + attribute;
        if (more) list += fmt::format(" and {} more", more);
        out.push_back(thing.title + ": update" + (list.empty() ? "" : " (" + list + ")"));
    }
    return out;
}

} // namespace davit
