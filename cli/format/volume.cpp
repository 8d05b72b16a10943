#include "cli/format/volume.hpp"

#include "cli/format/container.hpp"
#include "cli/format/time.hpp"
#include "davit/labels.hpp"

#include <nlohmann/json.hpp>

namespace davit::cli {

namespace {

std::string labels_text(const Labels& labels) {
    std::string out;
    for (const auto& [key, value] : labels) out += (out.empty() ? "" : ",") + key + "=" + value;
    return out;
}

} // namespace

Labels shown_labels(const VolumeInfo& v) {
    Labels out = v.labels;
    if (v.anonymous) out.emplace(label::anonymous, "");
    return out;
}

nlohmann::json volume_row(const VolumeInfo& v) {
    return {{"Availability", "N/A"},
            {"Driver", v.driver},
            {"Group", "N/A"},
            {"Label", shown_labels(v)},
            {"Labels", labels_text(shown_labels(v))},
            {"Links", "N/A"},
            {"Mountpoint", v.mountpoint},
            {"Name", v.name},
            {"Scope", "local"},
            {"Size", "N/A"},
            {"Status", "N/A"}};
}

const nlohmann::json& volume_headers() {
    static const nlohmann::json headers = {{"Availability", "AVAILABILITY"},
                                           {"Driver", "DRIVER"},
                                           {"Group", "GROUP"},
                                           {"Label", nlohmann::json::object()},
                                           {"Labels", "LABELS"},
                                           {"Links", "LINKS"},
                                           {"Mountpoint", "MOUNTPOINT"},
                                           {"Name", "VOLUME NAME"},
                                           {"Scope", "SCOPE"},
                                           {"Size", "SIZE"},
                                           {"Status", "STATUS"}};
    return headers;
}

nlohmann::json network_row(const NetworkInfo& n, bool truncate) {
    return {{"CreatedAt", go_time(n.created)},
            {"Driver", n.driver},
            {"ID", truncate ? short_id(n.id) : n.id},
            {"IPv4", n.enable_ipv4 ? "true" : "false"},
            {"IPv6", n.enable_ipv6 ? "true" : "false"},
            {"Internal", n.internal ? "true" : "false"},
            {"Label", n.labels},
            {"Labels", labels_text(n.labels)},
            {"Name", n.name},
            {"Scope", n.scope}};
}

const nlohmann::json& network_headers() {
    static const nlohmann::json headers = {{"CreatedAt", "CREATED AT"},
                                           {"Driver", "DRIVER"},
                                           {"ID", "NETWORK ID"},
                                           {"IPv4", "IPV4"},
                                           {"IPv6", "IPV6"},
                                           {"Internal", "INTERNAL"},
                                           {"Label", nlohmann::json::object()},
                                           {"Labels", "LABELS"},
                                           {"Name", "NAME"},
                                           {"Scope", "SCOPE"}};
    return headers;
}

} // namespace davit::cli
