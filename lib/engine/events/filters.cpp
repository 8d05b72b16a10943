// Docker's rules for `events --filter`.
#include "davit/events.hpp"

#include <algorithm>

namespace davit {

namespace {

class Passing {
public:
    Passing(const MachineEvent& event, const EventFilters& filters) : event_(event), filters_(filters) {}

    bool all() const {
        return any("event", [&](const std::string& f) { return is_action(f); }) &&
               any("type", [&](const std::string& f) { return f == event_.type; }) &&
               any("scope", [&](const std::string& f) { return f == event_.scope; }) && named("container") &&
               named("volume") && named("network") && image() && labels();
    }

private:
    template <typename Fits>
    bool any(const std::string& key, Fits&& fits) const {
        bool asked = false;
        for (const auto& [name, value] : filters_) {
            if (name != key) continue;
            if (fits(value)) return true;
            asked = true;
        }
        return !asked;
    }

    std::string attribute(const std::string& key) const {
        const auto it = event_.attributes.find(key);
        return it == event_.attributes.end() ? "" : it->second;
    }

    // "exec_start" is every command's.
    bool is_action(const std::string& wanted) const {
        if (wanted == event_.action) return true;
        for (const char* with_detail : {"health_status", "exec_create", "exec_start"})
            if (wanted == with_detail) return event_.action.starts_with(wanted);
        return false;
    }

    // Whatever the event is about: as Docker, a network called so passes for a container, too.
    bool named(const char* key) const {
        return any(key,
                   [&](const std::string& f) { return event_.id.starts_with(f) || attribute("name").starts_with(f); });
    }

    bool image() const {
        const std::string name = attribute(event_.type == "image" ? "name" : "image");
        const auto without_tag = [](const std::string& text) {
            const auto colon = text.rfind(':'), slash = text.rfind('/');
            return colon == std::string::npos || (slash != std::string::npos && colon < slash) ? text
                                                                                               : text.substr(0, colon);
        };
        return any("image", [&](const std::string& f) {
            return f == event_.id || f == name || f == without_tag(event_.id) || f == without_tag(name);
        });
    }

    bool labels() const {
        return std::all_of(filters_.begin(), filters_.end(), [&](const auto& filter) {
            if (filter.first != "label") return true;
            const auto equals = filter.second.find('=');
            const auto has = event_.attributes.find(filter.second.substr(0, equals));
            if (has == event_.attributes.end()) return false;
            return equals == std::string::npos || has->second == filter.second.substr(equals + 1);
        });
    }

    const MachineEvent& event_;
    const EventFilters& filters_;
};

} // namespace

bool passes(const MachineEvent& event, const EventFilters& filters) { return Passing(event, filters).all(); }

} // namespace davit
