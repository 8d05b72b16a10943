#include "project/scope_record.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sys.hpp"
#include "project/json_fields.hpp"

namespace davit {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ScopeRecord, format, owner, owner_start, boot_id, grace, volumes,
                                                unique)

std::string to_json(const ScopeRecord& record) { return json::dump(record); }

ScopeRecord scope_record_from_json(const std::string& text, const std::string& file) {
    return json::parse_record<ScopeRecord>(text, file, scope_format);
}

std::optional<ScopeRecord> read_scope(const ProjectPaths& paths) {
    const auto text = read_file_if_exists(paths.scope());
    if (!text || text->empty() || text->find('\0') != std::string::npos) return std::nullopt;
    return scope_record_from_json(*text, paths.scope());
}

void write_scope(const ProjectPaths& paths, const ScopeRecord& record) {
    write_file_making(paths.scope(), to_json(record), 0600, false);
}

bool owner_lives(const ScopeRecord& record) {
    return record.boot_id == sys::boot_id() && record.owner > 0 && sys::start_time(record.owner) == record.owner_start;
}

} // namespace davit
