// Whose a container's namespace or volumes are, as compose files and records spell it: "service:NAME" and
// "container:NAME"; parsed here and nowhere else. Names are parts of the text that was parsed.
#pragma once

#include <string>
#include <string_view>

namespace davit {

struct SharedWith {
    enum class Kind { nobody, service, container };
    Kind kind = Kind::nobody; // nobody: the text is another mode ("", "host", "private" …)
    std::string_view name;

    static constexpr std::string_view service_prefix = "service:", container_prefix = "container:";
    // network_mode, ipc, pid …, and the contexts of a build.
    static constexpr SharedWith parse(std::string_view text) {
        if (text.starts_with(service_prefix)) return {Kind::service, text.substr(service_prefix.size())};
        if (text.starts_with(container_prefix)) return {Kind::container, text.substr(container_prefix.size())};
        return {};
    }
    bool is_service() const { return kind == Kind::service; }
    bool is_container() const { return kind == Kind::container; }
    bool operator==(const SharedWith&) const = default;
};

// What a record keeps: the other's id.
inline std::string mode_of_container(std::string_view id) {
    return std::string(SharedWith::container_prefix).append(id);
}
inline std::string mode_of_service(std::string_view name) {
    return std::string(SharedWith::service_prefix).append(name);
}

// An entry of volumes_from: SERVICE[:MODE] or container:NAME[:MODE].
struct VolumesFrom {
    SharedWith of; // a service or a container
    std::string_view mode;

    static constexpr VolumesFrom parse(std::string_view text) {
        SharedWith of{SharedWith::Kind::service, text};
        if (text.starts_with(SharedWith::container_prefix)) of = SharedWith::parse(text);
        const std::size_t colon = of.name.find(':');
        if (colon == std::string_view::npos) return {of, {}};
        return {{of.kind, of.name.substr(0, colon)}, of.name.substr(colon + 1)};
    }
};

} // namespace davit
