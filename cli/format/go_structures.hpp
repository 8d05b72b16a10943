// The structures of Docker's API among JSON objects: Go prints their fields in order and without names, knows them all
// although JSON leaves empty ones out, and has types of its own for addresses, times and durations.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace davit::cli {

struct GoField {
    enum class Kind : char {
        text = 's',
        whole = 'i',
        truth = 'b',
        list = 'l',
        map = 'm',
        pointer = 'p',
        structure = 'o',
        address = 'a',  // netip.Addr: an empty one is "invalid IP"
        prefix = 'x',   // netip.Prefix
        time = 't',     // time.Time
        duration = 'd', // time.Duration
        optional_time = 'T',
        optional_duration = 'D',
    };
    std::string name; // as Go has it: HostIP
    std::string key;  // as JSON has it: HostIp
    Kind kind = Kind::text;
    std::string type; // of a structure that is known by where it stands, whatever it holds: "swarm.Placement"
};

struct GoStructure {
    std::string type;     // "container.State"
    bool pointer = false; // where Docker has a pointer to it
    std::vector<std::string> known_by;
    std::vector<GoField> fields;

    // By its name in Go, in JSON, or differently capitalised; nullptr: none.
    const GoField* field(std::string_view name) const;
    // Of Swarm's objects: Meta, Annotations.
    bool embeds(std::string_view name) const;
};

// nullptr: a map, or no object at all.
const GoStructure* go_structure(const nlohmann::ordered_json& value);

// What a field leads to by its type; nullptr: only what is in it tells.
const GoStructure* structure_of(const GoField& field);

// What Go has where JSON has nothing.
nlohmann::ordered_json zero_of(const GoStructure& structure);
nlohmann::ordered_json zero_of(const GoField& field);
// An address, a time or a duration as Go prints it; any other value as it is.
nlohmann::ordered_json go_value(const GoField& field, const nlohmann::ordered_json& value);
// The member of a structure as Go prints it, nil of its kind included: "[]", "map[]", "<nil>".
std::string nil_text(const GoField& field);

// "1h30m0s", "100ms"
std::string go_duration(std::int64_t nanoseconds);

} // namespace davit::cli
