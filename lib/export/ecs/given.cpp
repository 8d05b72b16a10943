// What x-aws-task-definition, x-aws-container and x-aws-service say in ECS's own words: it wins over what compose's
// keys come to. A task definition that was loaded has there all that compose has no word for.
#include "export/ecs/plan.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace davit::exports::ecs {

namespace {

Document document_of(const Value& value) {
    if (const auto* map = std::get_if<Value::Map>(&value.data)) {
        Document out = Document::object();
        for (const Value::Member& m : *map) out[m.first] = document_of(m.second);
        return out;
    }
    if (const auto* list = std::get_if<Value::List>(&value.data)) {
        Document out = Document::array();
        for (const Value& v : *list) out.push_back(document_of(v));
        return out;
    }
    if (const auto* b = std::get_if<bool>(&value.data)) return *b;
    if (const auto* i = std::get_if<std::int64_t>(&value.data)) return *i;
    if (const auto* d = std::get_if<double>(&value.data)) return *d;
    if (const auto* s = std::get_if<std::string>(&value.data)) return *s;
    return nullptr;
}

} // namespace

Document given(const Extensions& from, const char* key) {
    const auto it = from.find(key);
    if (it == from.end() || !std::holds_alternative<Value::Map>(it->second.data)) return Document::object();
    return document_of(it->second);
}

Document given_container(const Service& service) { return given(service.extensions, "x-aws-container"); }

namespace {

// What the first service says wins over what the others say, and that over the project's.
Document given_by_all(const Layout& plan, const Task& task, const char* key) {
    Document out = given(plan.scope.project.extensions, key);
    for (auto s = task.members.rbegin(); s != task.members.rend(); ++s) out.update(given((*s)->extensions, key));
    return out;
}

} // namespace

Document given_definition(const Layout& plan, const Task& task) {
    return given_by_all(plan, task, "x-aws-task-definition");
}

namespace {

constexpr const char* service_key = "x-aws-service";

bool has_name_of_its_own(const Task& task) {
    return std::any_of(task.members.begin(), task.members.end(),
                       [](const Service* s) { return given(s->extensions, service_key).contains("serviceName"); });
}

// Services do not share a name: of several none has the one at the top.
bool are_several(const Layout& plan) {
    return std::count_if(plan.tasks.begin(), plan.tasks.end(), [](const Task& t) { return !t.once; }) > 1;
}

} // namespace

Document given_service(const Layout& plan, const Task& task) {
    Document out = given_by_all(plan, task, service_key);
    if (!task.ready_made && !has_name_of_its_own(task) && are_several(plan)) out.erase("serviceName");
    return out;
}

std::string service_name(const Layout& plan, const Task& task) {
    const Document mine = given_service(plan, task);
    const auto it = mine.find("serviceName");
    return it != mine.end() && it->is_string() && !it->get<std::string>().empty() ? it->get<std::string>() : task.name;
}

void check_service_names(const Layout& plan) {
    if (are_several(plan) && given(plan.scope.project.extensions, service_key).contains("serviceName") &&
        std::any_of(plan.tasks.begin(), plan.tasks.end(),
                    [](const Task& t) { return !t.once && !t.ready_made && !has_name_of_its_own(t); }))
        plan.scope.report.dropped("x-aws-service.serviceName", "services do not share a name",
                                  "x-aws-service: {serviceName: NAME} at a service");
    std::map<std::string, const Task*> named;
    for (const Task& task : plan.tasks) {
        if (task.once) continue;
        const auto [other, fresh] = named.emplace(service_name(plan, task), &task);
        if (!fresh)
            throw error(Errc::invalid_project, "the services {} and {} are both called {} on ECS", other->second->name,
                        task.name, other->first)
                .with_at(task.members.front()->origin.pos)
                .with_hint("another serviceName in x-aws-service");
    }
}

void put(Document& into, const Document& given) {
    for (const auto& [key, value] : given.items()) into[key] = value;
}

} // namespace davit::exports::ecs
