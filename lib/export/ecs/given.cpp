// What x-aws-task-definition, x-aws-container and x-aws-service say in ECS's own words: it wins over what compose's
// keys come to. A task definition that was loaded has there all that compose has no word for.
#include "export/ecs/plan.hpp"

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

Document given_service(const Layout& plan, const Task& task) { return given_by_all(plan, task, "x-aws-service"); }

void put(Document& into, const Document& given) {
    for (const auto& [key, value] : given.items()) into[key] = value;
}

} // namespace davit::exports::ecs
